import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The generation of stored values that each process understands. Version 1.0.0 writes nothing here, and gets 1. */
export class AddProcessGeneration1796750000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE "vault_replicas" ADD COLUMN "generation" smallint NOT NULL DEFAULT 1`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE "vault_replicas" DROP COLUMN "generation"`);
  }
}
