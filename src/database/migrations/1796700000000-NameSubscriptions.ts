import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The provider's id of the one subscription of an app: a notification that names another one is not for this app. */
export class NameSubscriptions1796700000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE "subscriptions" ADD COLUMN "only_id" text`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE "subscriptions" DROP COLUMN "only_id"`);
  }
}
