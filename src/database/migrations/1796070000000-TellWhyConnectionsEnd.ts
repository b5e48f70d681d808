import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Why and when a connection has ended, and what speaks against one that has not. */
export class TellWhyConnectionsEnd1796070000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      ALTER TABLE "connections"
        ADD COLUMN "end_reason" text,
        ADD COLUMN "ended_at" timestamptz,
        ADD COLUMN "gone_since" timestamptz,
        ADD COLUMN "failing_since" timestamptz,
        ADD COLUMN "access_rejected_at" timestamptz`);
    await queryRunner.query(`
      UPDATE "connections" SET ended_at = coalesce(last_error_at, now()),
        end_reason = CASE WHEN last_error_code = 'ACCOUNT_ALREADY_LINKED' THEN 'account_taken' ELSE 'grant_refused' END
      WHERE status = 'needs_relink'`);
    await queryRunner.query(`DROP INDEX "connections_dead"`);
    await queryRunner.query(`
      CREATE INDEX "connections_dead" ON "connections" ("ended_at")
      WHERE status = 'needs_relink' AND sealed IS NOT NULL`);
    await queryRunner.query(`
      CREATE INDEX "connections_not_refreshable" ON "connections" ("expires_at")
      WHERE status = 'active' AND NOT refreshable AND expires_at IS NOT NULL`);
    await queryRunner.query(`CREATE INDEX "connections_of_provider" ON "connections" ("provider", "status")`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP INDEX "connections_of_provider"`);
    await queryRunner.query(`DROP INDEX "connections_not_refreshable"`);
    await queryRunner.query(`DROP INDEX "connections_dead"`);
    await queryRunner.query(`
      CREATE INDEX "connections_dead" ON "connections" ("last_error_at")
      WHERE status = 'needs_relink' AND sealed IS NOT NULL`);
    await queryRunner.query(`
      ALTER TABLE "connections" DROP COLUMN "end_reason", DROP COLUMN "ended_at", DROP COLUMN "gone_since",
        DROP COLUMN "failing_since", DROP COLUMN "access_rejected_at"`);
  }
}
