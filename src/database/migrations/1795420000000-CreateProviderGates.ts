import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateProviderGates1795420000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE "provider_gates" (
        "registration_id" text NOT NULL,
        "closed_until" timestamp with time zone,
        "reason" text,
        "probe_until" timestamp with time zone,
        "closings" integer NOT NULL,
        "streak" integer NOT NULL,
        "window_started_at" timestamp with time zone NOT NULL,
        "answers" double precision NOT NULL,
        "suspects" double precision NOT NULL,
        "suspects_forgotten_at" timestamp with time zone,
        "version" integer NOT NULL,
        CONSTRAINT "provider_gates_pkey" PRIMARY KEY ("registration_id")
      )`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TABLE "provider_gates"`);
  }
}
