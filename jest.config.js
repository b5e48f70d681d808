import { readFileSync } from 'node:fs';

const swc = JSON.parse(readFileSync(new URL('./.swcrc', import.meta.url), 'utf8'));

/** @type {import('jest').Config} */
export default {
  testEnvironment: 'node',
  roots: ['<rootDir>/src', '<rootDir>/test'],
  testMatch: ['**/*.spec.ts', '**/*.e2e-spec.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  transform: { '^.+\\.ts$': ['@swc/jest', { ...swc, module: { type: 'es6' } }] },
  globalSetup: '<rootDir>/test/support/global-setup.js',
  globalTeardown: '<rootDir>/test/support/global-teardown.js',
  reporters: [
    '<rootDir>/test/support/contract-table.js',
    '<rootDir>/test/support/fault-table.js',
    '<rootDir>/test/support/citus-report.js',
    'default',
  ],
  // For tests that hang. Nothing is measured by it: machines that run tests stand still for seconds now and then.
  testTimeout: 300_000,
  maxWorkers: 2,
  // Modules of earlier suites stay in memory, and each collection looks at them. A new worker starts in a second.
  workerIdleMemoryLimit: '1GB',
  // A worker that has run many suites has nothing open at its end, but takes a second to give a gigabyte back.
  workerGracefulExitTimeout: 10_000,
};
