import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Stores since when an expiry is the stored one. So an expiry that refreshes extend differs from a fixed one. */
export class TellExpiryMoves1796420000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE "connections" ADD COLUMN "expiry_moved_at" timestamptz`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE "connections" DROP COLUMN "expiry_moved_at"`);
  }
}
