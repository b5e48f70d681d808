import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateGrantMigrations1795530000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE "grant_migrations" (
        "user_id" text NOT NULL,
        "provider" text NOT NULL,
        "id" uuid NOT NULL,
        "secret_gen" integer NOT NULL,
        "successor" text NOT NULL,
        "registration_id" text NOT NULL,
        "state" text NOT NULL DEFAULT 'ready',
        "sealed" bytea,
        "claim_id" uuid,
        "claimed_until" timestamp with time zone,
        "created_at" timestamp with time zone NOT NULL DEFAULT now(),
        "begun_at" timestamp with time zone,
        "last_error_code" text,
        CONSTRAINT "grant_migrations_pkey" PRIMARY KEY ("user_id", "provider"),
        CONSTRAINT "grant_migrations_connection" FOREIGN KEY ("user_id", "provider")
          REFERENCES "connections" ("user_id", "provider") ON DELETE CASCADE
      )`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TABLE "grant_migrations"`);
  }
}
