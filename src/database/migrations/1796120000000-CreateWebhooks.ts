import { getConstructionPlans } from 'pg-boss';
import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The schema of pg-boss. `DeliveryQueue` uses the same. */
const queueSchema = 'cufflink_jobs';

/**
 * Endpoints, attempts, and the tables of pg-boss. A later version of pg-boss needs a migration with
 * `getMigrationPlans`, from the version that `cufflink_jobs.version` has: a new database gets the latest tables here.
 */
export class CreateWebhooks1796120000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE "webhook_endpoints" (
        "id" uuid NOT NULL CONSTRAINT "webhook_endpoints_pkey" PRIMARY KEY,
        "url" text NOT NULL,
        "event_types" text[] NOT NULL,
        "providers" text[],
        "sealed" bytea NOT NULL,
        "status" text NOT NULL DEFAULT 'enabled',
        "disabled_reason" text,
        "failing_since" timestamptz,
        "created_at" timestamptz NOT NULL DEFAULT now()
      )`);
    await queryRunner.query(`
      CREATE TABLE "webhook_attempts" (
        "number" bigint GENERATED ALWAYS AS IDENTITY NOT NULL CONSTRAINT "webhook_attempts_pkey" PRIMARY KEY,
        "endpoint_id" uuid NOT NULL,
        "event_id" uuid NOT NULL,
        "event_type" text NOT NULL,
        "attempt" integer NOT NULL,
        "attempted_at" timestamptz NOT NULL DEFAULT now(),
        "duration_ms" integer NOT NULL,
        "outcome" text NOT NULL,
        "http_status" integer,
        "error_code" text,
        "next_attempt_at" timestamptz
      )`);
    await queryRunner.query(
      `CREATE INDEX "webhook_attempts_of_event" ON "webhook_attempts" ("endpoint_id", "event_id")`,
    );
    await queryRunner.query(
      `CREATE INDEX "webhook_attempts_of_endpoint" ON "webhook_attempts" ("endpoint_id", "number")`,
    );
    await queryRunner.query(`CREATE INDEX "webhook_attempts_attempted" ON "webhook_attempts" ("attempted_at")`);
    // The first endpoint begins with the events after it.
    await queryRunner.query(`
      INSERT INTO "event_cursors" ("name", "position") SELECT 'webhooks', "position" FROM "event_cursors" WHERE "name" = 'stream'`);
    // The plan opens a transaction; the migration has its own.
    const plan = getConstructionPlans(queueSchema)
      .replace(/^\s*BEGIN;/, '')
      .replace(/COMMIT;\s*$/, '');
    await queryRunner.query(plan);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP SCHEMA "${queueSchema}" CASCADE`);
    await queryRunner.query(`DELETE FROM "event_cursors" WHERE "name" = 'webhooks'`);
    await queryRunner.query(`DROP TABLE "webhook_attempts"`);
    await queryRunner.query(`DROP TABLE "webhook_endpoints"`);
  }
}
