import type { MigrationInterface, QueryRunner } from 'typeorm';

export class AddAuditCheckpoints1795500001000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      ALTER TABLE "audit_writers"
        ADD COLUMN "pruned_sequence" bigint NOT NULL DEFAULT 0,
        ADD COLUMN "pruned_mac" bytea,
        ADD COLUMN "pruned_signature" bytea`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      ALTER TABLE "audit_writers" DROP COLUMN "pruned_signature", DROP COLUMN "pruned_mac", DROP COLUMN "pruned_sequence"`);
  }
}
