import type { MigrationInterface, QueryRunner } from 'typeorm';

/** For which expiry of the refresh token the company was told. */
export class AnnounceExpiry1796130000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE "connections" ADD COLUMN "expiry_announced" timestamptz`);
    await queryRunner.query(`
      CREATE INDEX "connections_refresh_expires" ON "connections" ("refresh_expires_at")
      WHERE status = 'active' AND refresh_expires_at IS NOT NULL`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP INDEX "connections_refresh_expires"`);
    await queryRunner.query(`ALTER TABLE "connections" DROP COLUMN "expiry_announced"`);
  }
}
