import type { MigrationInterface, QueryRunner } from 'typeorm';

export class ParkLinks1795470000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      ALTER TABLE "links"
        ADD COLUMN "require_confirmation" boolean NOT NULL DEFAULT false,
        ADD COLUMN "browser_hash" bytea,
        ADD COLUMN "parked_for" text,
        ADD COLUMN "parked_hash" bytea,
        ADD COLUMN "parked_until" timestamp with time zone`);
    await queryRunner.query(`CREATE UNIQUE INDEX "links_id" ON "links" ("id")`);
    await queryRunner.query(`CREATE INDEX "links_created_at" ON "links" ("created_at")`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP INDEX "links_created_at"`);
    await queryRunner.query(`DROP INDEX "links_id"`);
    await queryRunner.query(`
      ALTER TABLE "links"
        DROP COLUMN "parked_until",
        DROP COLUMN "parked_hash",
        DROP COLUMN "parked_for",
        DROP COLUMN "browser_hash",
        DROP COLUMN "require_confirmation"`);
  }
}
