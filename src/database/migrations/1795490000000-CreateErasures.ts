import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateErasures1795490000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE "erasures" (
        "user_digest" bytea NOT NULL,
        "erased_at" timestamp with time zone NOT NULL DEFAULT now(),
        CONSTRAINT "erasures_pkey" PRIMARY KEY ("user_digest")
      )`);
    await queryRunner.query(`CREATE INDEX "links_user" ON "links" ("user_id")`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP INDEX "links_user"`);
    await queryRunner.query(`DROP TABLE "erasures"`);
  }
}
