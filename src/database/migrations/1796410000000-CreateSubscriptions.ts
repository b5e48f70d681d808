import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Subscriptions at providers: one row for each app, or for each user. A user's row goes with the connection. */
export class CreateSubscriptions1796410000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE "subscriptions" (
        "id" uuid NOT NULL CONSTRAINT "subscriptions_pkey" PRIMARY KEY,
        "provider" text NOT NULL,
        "user_id" text,
        "state" text NOT NULL DEFAULT 'pending',
        "wanted" integer NOT NULL DEFAULT 0,
        "active" integer NOT NULL DEFAULT 0,
        "error_code" text,
        "failures" integer NOT NULL DEFAULT 0,
        "expires_at" timestamptz,
        "checked_at" timestamptz,
        "due_at" timestamptz NOT NULL DEFAULT now(),
        "sealed" bytea,
        CONSTRAINT "subscriptions_connection" FOREIGN KEY ("user_id", "provider")
          REFERENCES "connections" ("user_id", "provider") ON DELETE CASCADE
      )`);
    await queryRunner.query(
      `CREATE UNIQUE INDEX "subscriptions_of_app" ON "subscriptions" ("provider") WHERE user_id IS NULL`,
    );
    await queryRunner.query(`CREATE UNIQUE INDEX "subscriptions_of_user" ON "subscriptions" ("user_id", "provider")`);
    await queryRunner.query(`CREATE INDEX "subscriptions_due" ON "subscriptions" ("due_at")`);
    // Connections from before are found by the first check of each provider.
    await queryRunner.query(`
      INSERT INTO "event_cursors" ("name", "position") SELECT 'subscriptions', "position" FROM "event_cursors" WHERE "name" = 'stream'`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DELETE FROM "event_cursors" WHERE "name" = 'subscriptions'`);
    await queryRunner.query(`DROP TABLE "subscriptions"`);
  }
}
