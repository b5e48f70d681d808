/*
 * Boots the service as `dist/main.js` does in production, uses its secrets, and writes what its heap holds to a file.
 *
 *     node memory-of-service.js <file> [hold]
 *
 * With `hold`, the text of the root key is kept, as any careless module could keep it.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import v8 from 'node:v8';
import { ProviderRegistry } from '../../dist/provider-kit/provider-registry.js';
import { serve } from '../../dist/serve.js';

const [, , file, hold] = process.argv;
const app = await serve();
for (const { settings } of app.get(ProviderRegistry, { strict: false }).list()) {
  settings.clientSecret.reveal();
}
globalThis.held = hold === undefined ? undefined : readFileSync(process.env.ENCRYPTION_ROOT_KEY_FILE, 'utf8');
// Text of the last statements is let go with their stack.
await sleep(100);
v8.writeHeapSnapshot(file);
await app.close();
