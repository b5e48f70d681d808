import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Events that providers have told of, until they are processed, and for as long as a repeated one must be recognized.
 */
export class CreateNotifications1796110000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE "notifications" (
        "user_id" text NOT NULL,
        "provider" text NOT NULL,
        "digest" bytea NOT NULL,
        "kind" text NOT NULL,
        "data_type" text,
        "occurred_at" timestamp with time zone,
        "received_at" timestamp with time zone NOT NULL DEFAULT now(),
        "proven" boolean NOT NULL,
        "hint" boolean NOT NULL,
        "token_fingerprint" text,
        "repeatable_at" timestamp with time zone NOT NULL,
        "due_at" timestamp with time zone,
        "done_at" timestamp with time zone,
        "outcome" text,
        CONSTRAINT "notifications_pkey" PRIMARY KEY ("user_id", "provider", "digest"),
        CONSTRAINT "notifications_connection" FOREIGN KEY ("user_id", "provider")
          REFERENCES "connections" ("user_id", "provider") ON DELETE CASCADE
      )`);
    await queryRunner.query(`CREATE INDEX "notifications_due" ON "notifications" ("due_at") WHERE due_at IS NOT NULL`);
    await queryRunner.query(`CREATE INDEX "notifications_repeatable" ON "notifications" ("repeatable_at")`);
    await queryRunner.query(
      `CREATE INDEX "notifications_checked" ON "notifications" ("provider", "done_at") WHERE outcome = 'checked'`,
    );
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TABLE "notifications"`);
  }
}
