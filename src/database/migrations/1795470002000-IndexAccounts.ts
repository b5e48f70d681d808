import type { MigrationInterface, QueryRunner } from 'typeorm';

export class IndexAccounts1795470002000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      ALTER TABLE "connections"
        ADD COLUMN "account_digest" bytea,
        ADD COLUMN "account_exclusive" boolean NOT NULL DEFAULT false`);
    await queryRunner.query(`CREATE INDEX "connections_account" ON "connections" ("account_digest")`);
    await queryRunner.query(`
      CREATE UNIQUE INDEX "connections_one_per_account" ON "connections" ("account_digest")
      WHERE account_exclusive AND status = 'active'`);
    await queryRunner.query(`ALTER TABLE "links" ADD COLUMN "on_account_change" text NOT NULL DEFAULT 'refuse'`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE "links" DROP COLUMN "on_account_change"`);
    await queryRunner.query(`DROP INDEX "connections_one_per_account"`);
    await queryRunner.query(`DROP INDEX "connections_account"`);
    await queryRunner.query(`
      ALTER TABLE "connections" DROP COLUMN "account_exclusive", DROP COLUMN "account_digest"`);
  }
}
