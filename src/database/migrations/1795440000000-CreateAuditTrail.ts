import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateAuditTrail1795440000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE "audit_writers" (
        "number" integer NOT NULL,
        "kid" uuid NOT NULL,
        "started_at" timestamp with time zone NOT NULL,
        "witnessed_sequence" bigint NOT NULL,
        "witnessed_mac" bytea NOT NULL,
        "head_sequence" bigint NOT NULL,
        "head_mac" bytea NOT NULL,
        CONSTRAINT "audit_writers_pkey" PRIMARY KEY ("number")
      )`);
    await queryRunner.query(`
      CREATE TABLE "audit_entries" (
        "writer" integer NOT NULL,
        "sequence" bigint NOT NULL,
        "recorded_at" timestamp with time zone NOT NULL,
        "action" text NOT NULL,
        "outcome" text NOT NULL,
        "actor" text NOT NULL,
        "user_digest" bytea,
        "provider" text,
        "connection_id" uuid,
        "subject" text,
        "code" text,
        "request_id" text,
        "mac" bytea NOT NULL,
        CONSTRAINT "audit_entries_pkey" PRIMARY KEY ("writer", "sequence")
      )`);
    await queryRunner.query(`CREATE INDEX "audit_entries_recorded_at" ON "audit_entries" ("recorded_at")`);
    await queryRunner.query(`CREATE INDEX "audit_entries_user" ON "audit_entries" ("user_digest", "recorded_at")`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    for (const table of ['audit_entries', 'audit_writers']) {
      await queryRunner.query(`DROP TABLE "${table}"`);
    }
  }
}
