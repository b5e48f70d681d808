import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The stream of events, written with the changes that they tell of. */
export class CreateEvents1796100000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE "events" (
        "number" bigint GENERATED ALWAYS AS IDENTITY NOT NULL CONSTRAINT "events_pkey" PRIMARY KEY,
        "id" uuid NOT NULL,
        "position" bigint,
        "type" text NOT NULL,
        "occurred_at" timestamptz NOT NULL DEFAULT now(),
        "user_id" text,
        "sealed" bytea,
        "provider" text,
        "connection_id" uuid,
        "sequence" integer,
        "reason" text,
        "details" jsonb NOT NULL DEFAULT '{}',
        "source" text NOT NULL,
        "proof" text NOT NULL
      )`);
    await queryRunner.query(`CREATE UNIQUE INDEX "events_id" ON "events" ("id")`);
    await queryRunner.query(`CREATE UNIQUE INDEX "events_position" ON "events" ("position")`);
    await queryRunner.query(`CREATE INDEX "events_unpublished" ON "events" ("number") WHERE position IS NULL`);
    await queryRunner.query(`CREATE INDEX "events_occurred" ON "events" ("occurred_at")`);
    await queryRunner.query(`CREATE INDEX "events_of_user" ON "events" ("user_id", "position")`);
    await queryRunner.query(`
      CREATE TABLE "event_cursors" (
        "name" text NOT NULL CONSTRAINT "event_cursors_pkey" PRIMARY KEY,
        "position" bigint NOT NULL DEFAULT 0
      )`);
    await queryRunner.query(`INSERT INTO "event_cursors" ("name") VALUES ('stream')`);
    await queryRunner.query(`
      ALTER TABLE "connections" ADD COLUMN "last_events" text[], ADD COLUMN "event_sequence" integer NOT NULL DEFAULT 0`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE "connections" DROP COLUMN "last_events", DROP COLUMN "event_sequence"`);
    await queryRunner.query(`DROP TABLE "event_cursors"`);
    await queryRunner.query(`DROP TABLE "events"`);
  }
}
