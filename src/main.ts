import { existsSync } from 'node:fs';
import { describeBootError } from './config/boot-error.js';

try {
  if (existsSync('.env')) {
    process.loadEnvFile('.env');
  }
  if (process.env['NODE_ENV'] === 'production') {
    const { serve } = await import('./serve.js');
    await serve();
  } else {
    const { startDevelopment } = await import('./development/development.js');
    await startDevelopment();
  }
} catch (error) {
  process.stderr.write(`Cufflink does not start. ${describeBootError(error)}\n`);
  process.exit(1);
}
