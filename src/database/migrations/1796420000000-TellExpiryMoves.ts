import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Since when the refresh token expires at the stored instant: tells an expiry that refreshes extend from one that is fixed. */
export class TellExpiryMoves1796420000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE "connections" ADD COLUMN "expiry_moved_at" timestamptz`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE "connections" DROP COLUMN "expiry_moved_at"`);
  }
}
