#!/usr/bin/env node
// The command line. Plain JavaScript, so that it can say what is missing before anything was built.
import { existsSync } from 'node:fs';

const program = new URL('../dist/cli/main.js', import.meta.url);
if (existsSync(program)) {
  await import(program.href);
} else {
  process.stderr.write('Cufflink is not built yet. Run `npm run build` first.\n');
  process.exitCode = 2;
}
