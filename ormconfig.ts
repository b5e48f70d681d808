import { DataSource } from 'typeorm';

// The migration command runs this file as it is; what it imports was built by `npm run build`.
const built = './dist/database/';
const { readDatabaseConfig } = (await import(
  `${built}database.config.js`
)) as typeof import('./src/database/database.config.js');
const { migrationOptions } = (await import(
  `${built}data-source-options.js`
)) as typeof import('./src/database/data-source-options.js');

export default new DataSource(migrationOptions(readDatabaseConfig(process.env)));
