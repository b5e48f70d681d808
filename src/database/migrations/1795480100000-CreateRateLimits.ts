import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateRateLimits1795480100000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE UNLOGGED TABLE "rate_limits" (
        "key" text NOT NULL,
        "hits" integer NOT NULL,
        "ends_at" timestamp with time zone NOT NULL,
        CONSTRAINT "rate_limits_pkey" PRIMARY KEY ("key")
      )`);
    await queryRunner.query(`CREATE INDEX "rate_limits_ends_at" ON "rate_limits" ("ends_at")`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TABLE "rate_limits"`);
  }
}
