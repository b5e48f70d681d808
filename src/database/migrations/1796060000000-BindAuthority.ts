import type { MigrationInterface, QueryRunner } from 'typeorm';

export class BindAuthority1796060000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE "api_keys" ADD COLUMN "mac" bytea`);
    await queryRunner.query(`ALTER TABLE "link_sessions" ADD COLUMN "mac" bytea`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE "link_sessions" DROP COLUMN "mac"`);
    await queryRunner.query(`ALTER TABLE "api_keys" DROP COLUMN "mac"`);
  }
}
