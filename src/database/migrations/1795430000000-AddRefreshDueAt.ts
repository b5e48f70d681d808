import type { MigrationInterface, QueryRunner } from 'typeorm';

export class AddRefreshDueAt1795430000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE "connections" ADD "refresh_due_at" timestamp with time zone`);
    // The next save spreads them and knows what the provider wants; until then the end of the access token counts.
    await queryRunner.query(
      `UPDATE "connections" SET "refresh_due_at" = "expires_at" WHERE "refreshable" AND "status" = 'active'`,
    );
    await queryRunner.query(
      `CREATE INDEX "connections_refresh_due" ON "connections" ("provider", "refresh_due_at") WHERE refresh_due_at IS NOT NULL`,
    );
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP INDEX "connections_refresh_due"`);
    await queryRunner.query(`ALTER TABLE "connections" DROP COLUMN "refresh_due_at"`);
  }
}
