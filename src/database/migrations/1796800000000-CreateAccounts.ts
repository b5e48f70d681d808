import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Accounts that only one user may link, for distributed tables. The unique index of `connections` does it elsewhere. */
export class CreateAccounts1796800000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(
      `CREATE TABLE "accounts" ("digest" bytea NOT NULL, "user_id" text NOT NULL, "provider" text NOT NULL,
       "connection_id" uuid NOT NULL, CONSTRAINT "accounts_pkey" PRIMARY KEY ("digest"))`,
    );
    await queryRunner.query(`CREATE INDEX "accounts_of_user" ON "accounts" ("user_id", "provider")`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TABLE "accounts"`);
  }
}
