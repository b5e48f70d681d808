import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Table and columns by the words of the glossary: lease, circuit breaker, half-open trial, hold. Rows stay as they are.
 */
const columns = [
  ['connections', 'claim_id', 'lease_id'],
  ['connections', 'claimed_until', 'leased_until'],
  ['grant_migrations', 'claim_id', 'lease_id'],
  ['grant_migrations', 'claimed_until', 'leased_until'],
  ['links', 'parked_for', 'held_for'],
  ['links', 'parked_hash', 'held_hash'],
  ['links', 'parked_until', 'held_until'],
  ['circuit_breakers', 'closed_until', 'open_until'],
  ['circuit_breakers', 'probe_until', 'trial_until'],
  ['circuit_breakers', 'closings', 'openings'],
  ['circuit_breakers', 'answers', 'decisions'],
] as const;

export class RenameLeasesAndCircuitBreakers1796090000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE "provider_gates" RENAME TO "circuit_breakers"`);
    await queryRunner.query(
      `ALTER TABLE "circuit_breakers" RENAME CONSTRAINT "provider_gates_pkey" TO "circuit_breakers_pkey"`,
    );
    for (const [table, before, after] of columns) {
      await queryRunner.query(`ALTER TABLE "${table}" RENAME COLUMN "${before}" TO "${after}"`);
    }
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    for (const [table, before, after] of columns) {
      await queryRunner.query(`ALTER TABLE "${table}" RENAME COLUMN "${after}" TO "${before}"`);
    }
    await queryRunner.query(
      `ALTER TABLE "circuit_breakers" RENAME CONSTRAINT "circuit_breakers_pkey" TO "provider_gates_pkey"`,
    );
    await queryRunner.query(`ALTER TABLE "circuit_breakers" RENAME TO "provider_gates"`);
  }
}
