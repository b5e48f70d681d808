import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Says for each branch key how the keys of its messages are derived. A version that knows no suites makes keys of 1.
 */
export class AddKeySuite1796140000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE "vault_keys" ADD COLUMN "suite" smallint NOT NULL DEFAULT 1`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE "vault_keys" DROP COLUMN "suite"`);
  }
}
