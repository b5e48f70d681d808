import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateLinkSessions1795470001000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE "link_sessions" (
        "token_hash" bytea NOT NULL,
        "user_id" text NOT NULL,
        "providers" text array,
        "return_url" text,
        "require_confirmation" boolean NOT NULL,
        "browser_hash" bytea,
        "created_at" timestamp with time zone NOT NULL DEFAULT now(),
        "expires_at" timestamp with time zone NOT NULL,
        CONSTRAINT "link_sessions_pkey" PRIMARY KEY ("token_hash")
      )`);
    await queryRunner.query(`CREATE INDEX "link_sessions_user" ON "link_sessions" ("user_id")`);
    await queryRunner.query(`CREATE INDEX "link_sessions_created_at" ON "link_sessions" ("created_at")`);
    await queryRunner.query(`CREATE UNIQUE INDEX "link_sessions_browser" ON "link_sessions" ("browser_hash")`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TABLE "link_sessions"`);
  }
}
