import type { MigrationInterface, QueryRunner } from 'typeorm';

export class AddApiKeyOptions1795480000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      ALTER TABLE "api_keys"
        ADD "providers" text array,
        ADD "expires_at" timestamp with time zone,
        ADD "last_used_at" timestamp with time zone`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE "api_keys" DROP "providers", DROP "expires_at", DROP "last_used_at"`);
  }
}
