import { afterAll, afterEach, beforeAll } from '@jest/globals';
import { DataSource } from 'typeorm';
import { Database, type Statement } from '../../src/database/database.js';
import { DatabaseUnavailableError } from '../../src/errors/request.errors.js';
import { startApplication, type ApplicationOptions, type TestApplication } from './application.js';
import { endAllTrouble } from './subject.js';

/** A database that loses statements when told to, as a server does that is stopped, full or failing over. */
export class FaultyDatabase extends Database {
  /** Asked before each statement: an error to throw instead of running it. */
  refuse: (statement: Statement) => Error | undefined = () => undefined;
  /** Asked after each statement: an error to throw although it has run. */
  lose: (statement: Statement) => Error | undefined = () => undefined;

  override async query<Row extends object>(statement: Statement, values: readonly unknown[] = []): Promise<Row[]> {
    const refusal = this.refuse(statement);
    if (refusal !== undefined) {
      throw refusal;
    }
    const rows = await super.query<Row>(statement, values);
    const loss = this.lose(statement);
    if (loss !== undefined) {
      throw loss;
    }
    return rows;
  }

  mend(): void {
    this.refuse = () => undefined;
    this.lose = () => undefined;
  }
}

export const faultyDatabase: ApplicationOptions = {
  override: (builder) =>
    builder
      .overrideProvider(Database)
      .useFactory({ factory: (dataSource: DataSource) => new FaultyDatabase(dataSource), inject: [DataSource] }),
};

/** An application on such a database. */
export interface FaultyApplication {
  readonly application: TestApplication;
  readonly database: FaultyDatabase;
}

/**
 * Gives the tests around it such an application. Its database is mended and its providers behave again after each test.
 *
 * @param assign - takes its parts before the first test
 */
export function useFaulty(assign: (faulty: FaultyApplication) => void): void {
  let application: TestApplication;
  let database: FaultyDatabase;
  beforeAll(async () => {
    application = await startApplication(faultyDatabase);
    database = application.app.get<FaultyDatabase>(Database);
    assign({ application, database });
  });
  afterEach(async () => {
    database.mend();
    await endAllTrouble(application);
  });
  afterAll(() => application.close());
}

/** Fails the first `times` runs of the statement. */
export function failing(name: string, times: number, error: () => Error): (statement: Statement) => Error | undefined {
  let left = times;
  return (statement) => (statement.name === name && left-- > 0 ? error() : undefined);
}

export const unavailable = (): Error => new DatabaseUnavailableError('The database cannot be reached at the moment.');
export const serializationFailure = (): Error =>
  Object.assign(new Error('could not serialize access'), { code: '40001' });
