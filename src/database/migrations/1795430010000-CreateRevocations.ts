import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateRevocations1795430010000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE "revocations" (
        "id" uuid NOT NULL,
        "user_id" text NOT NULL,
        "provider" text NOT NULL,
        "registration_id" text NOT NULL,
        "sealed" bytea NOT NULL,
        "created_at" timestamp with time zone NOT NULL DEFAULT now(),
        "attempts" integer NOT NULL DEFAULT 1,
        "due_at" timestamp with time zone NOT NULL,
        "last_error_code" text,
        CONSTRAINT "revocations_pkey" PRIMARY KEY ("id")
      )`);
    await queryRunner.query(`CREATE INDEX "revocations_due" ON "revocations" ("due_at")`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TABLE "revocations"`);
  }
}
