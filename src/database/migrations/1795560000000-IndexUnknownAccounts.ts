import type { MigrationInterface, QueryRunner } from 'typeorm';

export class IndexUnknownAccounts1795560000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE INDEX "connections_account_unknown" ON "connections" ("registration_id")
      WHERE account_digest IS NULL AND status = 'active'`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP INDEX "connections_account_unknown"`);
  }
}
