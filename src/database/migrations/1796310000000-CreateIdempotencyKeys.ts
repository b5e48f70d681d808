import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Calls that may be repeated with the same key, and their sealed responses. */
export class CreateIdempotencyKeys1796310000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE "idempotency_keys" (
        "digest" bytea NOT NULL,
        "id" uuid NOT NULL,
        "body_hash" bytea NOT NULL,
        "sealed" bytea,
        "created_at" timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT "idempotency_keys_pkey" PRIMARY KEY ("digest")
      )`);
    await queryRunner.query(`CREATE INDEX "idempotency_keys_created_at" ON "idempotency_keys" ("created_at")`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TABLE "idempotency_keys"`);
  }
}
