import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Indexes of the list of all connections, their counts hour by hour, and the sessions of the console. */
export class CreateFleet1796200000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP INDEX "connections_of_provider"`);
    await queryRunner.query(
      `CREATE INDEX "connections_of_provider" ON "connections" ("provider", "status", "user_id")`,
    );
    await queryRunner.query(`
      CREATE INDEX "connections_ended" ON "connections" ("user_id", "provider") WHERE status = 'needs_relink'`);
    await queryRunner.query(`
      CREATE INDEX "connections_error" ON "connections" ("last_error_code", "user_id", "provider")
      WHERE last_error_code IS NOT NULL`);
    // The two expressions are those of src/fleet/fleet-columns.ts.
    await queryRunner.query(`
      CREATE INDEX "connections_reason" ON "connections" ((${reason}), "user_id", "provider")
      WHERE (${reason}) IS NOT NULL`);
    await queryRunner.query(`
      CREATE INDEX "connections_updated" ON "connections"
      (greatest(linked_at, last_refreshed_at, last_error_at, ended_at))`);
    await queryRunner.query(`
      CREATE TABLE "connection_counts" (
        "hour" timestamptz NOT NULL CONSTRAINT "connection_counts_pkey" PRIMARY KEY,
        "counted_at" timestamptz NOT NULL,
        "counts" jsonb NOT NULL
      )`);
    await queryRunner.query(`
      CREATE TABLE "console_sessions" (
        "secret_hash" bytea NOT NULL CONSTRAINT "console_sessions_pkey" PRIMARY KEY,
        "api_key_id" text NOT NULL,
        "expires_at" timestamptz NOT NULL,
        "mac" bytea NOT NULL
      )`);
    await queryRunner.query(`CREATE INDEX "console_sessions_expires_at" ON "console_sessions" ("expires_at")`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TABLE "console_sessions"`);
    await queryRunner.query(`DROP TABLE "connection_counts"`);
    await queryRunner.query(`DROP INDEX "connections_updated"`);
    await queryRunner.query(`DROP INDEX "connections_reason"`);
    await queryRunner.query(`DROP INDEX "connections_error"`);
    await queryRunner.query(`DROP INDEX "connections_ended"`);
    await queryRunner.query(`DROP INDEX "connections_of_provider"`);
    await queryRunner.query(`CREATE INDEX "connections_of_provider" ON "connections" ("provider", "status")`);
  }
}

const reason = `CASE
  WHEN status = 'needs_relink' THEN coalesce(end_reason, 'grant_refused')
  WHEN suspect_since IS NOT NULL THEN 'refusal_unconfirmed'
  WHEN gone_since IS NOT NULL THEN 'gone_unconfirmed'
  WHEN failed_attempts > 0 THEN 'refresh_failing'
  WHEN NOT refreshable AND expires_at IS NOT NULL THEN 'no_refresh_token'
END`;
