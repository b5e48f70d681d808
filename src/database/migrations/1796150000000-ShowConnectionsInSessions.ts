import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The access of a session of the hosted page to connections, and the messages that its user has not read yet. */
export class ShowConnectionsInSessions1796150000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      ALTER TABLE "link_sessions"
        ADD COLUMN "connection_access" text NOT NULL DEFAULT 'none',
        ADD COLUMN "notices" text array NOT NULL DEFAULT '{}'`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE "link_sessions" DROP COLUMN "connection_access", DROP COLUMN "notices"`);
  }
}
