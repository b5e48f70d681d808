import type { MigrationInterface, QueryRunner } from 'typeorm';

export class AddKeyLifecycle1795410000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      ALTER TABLE "vault_keys"
        ALTER COLUMN "wrapped_key" DROP NOT NULL,
        ADD COLUMN "key_check" bytea,
        ADD COLUMN "operations" bigint NOT NULL DEFAULT 0,
        ADD COLUMN "activated_at" timestamp with time zone,
        ADD COLUMN "retired_at" timestamp with time zone,
        ADD COLUMN "destroyed_at" timestamp with time zone`);
    await queryRunner.query(`UPDATE "vault_keys" SET activated_at = created_at WHERE state = 'active'`);
    await queryRunner.query(`
      CREATE TABLE "vault_replicas" (
        "id" uuid NOT NULL,
        "kids" uuid array NOT NULL,
        "live_until" timestamp with time zone NOT NULL,
        CONSTRAINT "vault_replicas_pkey" PRIMARY KEY ("id")
      )`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP TABLE "vault_replicas"');
    await queryRunner.query(`DELETE FROM "vault_keys" WHERE wrapped_key IS NULL`);
    await queryRunner.query(`
      ALTER TABLE "vault_keys"
        ALTER COLUMN "wrapped_key" SET NOT NULL,
        DROP COLUMN "key_check",
        DROP COLUMN "operations",
        DROP COLUMN "activated_at",
        DROP COLUMN "retired_at",
        DROP COLUMN "destroyed_at"`);
  }
}
