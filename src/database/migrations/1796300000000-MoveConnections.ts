import type { MigrationInterface, QueryRunner } from 'typeorm';

/** For moving connections in and out: the frozen, exported and imported ones, and the company's metadata. */
export class MoveConnections1796300000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      ALTER TABLE "connections"
        ADD COLUMN "frozen_at" timestamptz,
        ADD COLUMN "exported_at" timestamptz,
        ADD COLUMN "import_digest" bytea,
        ADD COLUMN "metadata" jsonb NOT NULL DEFAULT '{}'`);
    await queryRunner.query(`ALTER TABLE "links" ADD COLUMN "metadata" jsonb`);
    await queryRunner.query(`ALTER TABLE "revocations" ADD COLUMN "may_refresh" boolean NOT NULL DEFAULT true`);
    await queryRunner.query(`DROP INDEX "connections_refresh_due"`);
    await queryRunner.query(`
      CREATE INDEX "connections_refresh_due" ON "connections" ("provider", "refresh_due_at")
      WHERE refresh_due_at IS NOT NULL AND frozen_at IS NULL`);
    await queryRunner.query(`
      CREATE INDEX "connections_frozen" ON "connections" ("provider", "user_id") WHERE frozen_at IS NOT NULL`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP INDEX "connections_frozen"`);
    await queryRunner.query(`DROP INDEX "connections_refresh_due"`);
    await queryRunner.query(`
      CREATE INDEX "connections_refresh_due" ON "connections" ("provider", "refresh_due_at")
      WHERE refresh_due_at IS NOT NULL`);
    await queryRunner.query(`ALTER TABLE "revocations" DROP COLUMN "may_refresh"`);
    await queryRunner.query(`ALTER TABLE "links" DROP COLUMN "metadata"`);
    await queryRunner.query(`
      ALTER TABLE "connections"
        DROP COLUMN "frozen_at", DROP COLUMN "exported_at", DROP COLUMN "import_digest", DROP COLUMN "metadata"`);
  }
}
