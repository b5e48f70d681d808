import type { MigrationInterface, QueryRunner } from 'typeorm';

export class AskForAccounts1795540000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE "connections" ADD COLUMN "account_due_at" timestamptz`);
    await queryRunner.query(`
      CREATE INDEX "connections_account_due" ON "connections" ("account_due_at")
      WHERE account_due_at IS NOT NULL AND status = 'active'`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP INDEX "connections_account_due"`);
    await queryRunner.query(`ALTER TABLE "connections" DROP COLUMN "account_due_at"`);
  }
}
