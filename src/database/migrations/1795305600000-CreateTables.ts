import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateTables1795305600000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE "vault_keys" (
        "kid" uuid NOT NULL,
        "purpose" text NOT NULL,
        "state" text NOT NULL,
        "wrapped_key" bytea NOT NULL,
        "root_key_ref" text NOT NULL,
        "created_at" timestamp with time zone NOT NULL DEFAULT now(),
        CONSTRAINT "vault_keys_pkey" PRIMARY KEY ("kid")
      )`);
    await queryRunner.query(
      `CREATE UNIQUE INDEX "vault_keys_one_active" ON "vault_keys" ("purpose") WHERE state = 'active'`,
    );
    await queryRunner.query(`
      CREATE TABLE "api_keys" (
        "id" text NOT NULL,
        "name" text NOT NULL,
        "secret_hash" bytea NOT NULL,
        "scopes" text array NOT NULL,
        "created_at" timestamp with time zone NOT NULL DEFAULT now(),
        "revoked_at" timestamp with time zone,
        CONSTRAINT "api_keys_pkey" PRIMARY KEY ("id")
      )`);
    await queryRunner.query(`
      CREATE TABLE "links" (
        "state_hash" bytea NOT NULL,
        "id" uuid NOT NULL,
        "user_id" text NOT NULL,
        "provider" text NOT NULL,
        "registration_id" text NOT NULL,
        "registration_hash" bytea NOT NULL,
        "return_url" text,
        "scopes" text array NOT NULL,
        "sealed" bytea,
        "created_at" timestamp with time zone NOT NULL DEFAULT now(),
        "expires_at" timestamp with time zone NOT NULL,
        "consumed_at" timestamp with time zone,
        "outcome" text,
        CONSTRAINT "links_pkey" PRIMARY KEY ("state_hash")
      )`);
    await queryRunner.query(`
      CREATE TABLE "connections" (
        "user_id" text NOT NULL,
        "provider" text NOT NULL,
        "id" uuid NOT NULL,
        "registration_id" text NOT NULL,
        "status" text NOT NULL,
        "secret_gen" integer NOT NULL,
        "sealed" bytea NOT NULL,
        "scopes_requested" text array NOT NULL,
        "scopes_granted" text array,
        "expires_at" timestamp with time zone,
        "refreshable" boolean NOT NULL,
        "refresh_expires_at" timestamp with time zone,
        "linked_at" timestamp with time zone NOT NULL DEFAULT now(),
        "last_refreshed_at" timestamp with time zone,
        "claim_id" uuid,
        "claimed_until" timestamp with time zone,
        "attempt_started_at" timestamp with time zone,
        "failed_attempts" integer NOT NULL DEFAULT 0,
        "retry_at" timestamp with time zone,
        "suspect_since" timestamp with time zone,
        "last_error_code" text,
        "last_error_at" timestamp with time zone,
        CONSTRAINT "connections_pkey" PRIMARY KEY ("user_id", "provider")
      )`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    for (const table of ['connections', 'links', 'api_keys', 'vault_keys']) {
      await queryRunner.query(`DROP TABLE "${table}"`);
    }
  }
}
