import type { MigrationInterface, QueryRunner } from 'typeorm';

export class EraseDeadTokens1795500000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE "connections" ALTER COLUMN "sealed" DROP NOT NULL`);
    await queryRunner.query(`
      CREATE INDEX "connections_dead" ON "connections" ("last_error_at")
      WHERE status = 'needs_relink' AND sealed IS NOT NULL`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP INDEX "connections_dead"`);
    // No key opens an empty value either.
    await queryRunner.query(`UPDATE "connections" SET "sealed" = '' WHERE "sealed" IS NULL`);
    await queryRunner.query(`ALTER TABLE "connections" ALTER COLUMN "sealed" SET NOT NULL`);
  }
}
