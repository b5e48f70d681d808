import { execFileSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { OpenAPIObject } from '@nestjs/swagger';
import openapiTypescript, { astToString } from 'openapi-typescript';

/**
 * `npm run openapi`: writes `openapi.json` and the types of the client from the code, and lints the description. With
 * `--check` it writes nothing and fails when one of the files is not what it would write. No service runs for it.
 */

const root = dirname(import.meta.dirname);
const descriptionFile = join(root, 'openapi.json');
const typesFile = join(root, 'clients/typescript/src/generated/api.ts');

/** Returns the text of `openapi.json`. */
export function descriptionText(description: object): string {
  return `${JSON.stringify(description, null, 2)}\n`;
}

/**
 * Returns the generated types of the client. Every error of this service has one shape, so an operation names it once:
 * the types are a third of the size.
 */
export async function clientTypes(text: string): Promise<string> {
  const description = JSON.parse(text) as Description;
  for (const operation of Object.values(description.paths).flatMap((path) => Object.values(path))) {
    const statuses = Object.keys(operation.responses).filter((status) => /^[45]/.test(status));
    for (const status of statuses) {
      delete operation.responses[status];
    }
    if (statuses.length > 0) {
      operation.responses['default'] ??= { $ref: '#/components/responses/Problem' };
    }
  }
  const content = { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } };
  description.components.responses = { Problem: { description: 'an error', content } };
  const nodes = await openapiTypescript(JSON.stringify(description));
  return `// Written by \`npm run openapi\` from openapi.json. Do not edit.\n\n${astToString(nodes)}`;
}

/** The parts of the description that {@link clientTypes} reads. */
interface Description {
  readonly paths: Record<string, Record<string, { readonly responses: Record<string, object> }>>;
  readonly components: { responses?: object };
}

async function describe(): Promise<OpenAPIObject> {
  const load = async <Module>(path: string): Promise<Module> =>
    (await import(new URL(`../dist/${path}`, import.meta.url).href)) as Module;
  const { AppModule } = await load<typeof import('../src/app.module.js')>('app.module.js');
  const { describeApi } = await load<typeof import('../src/http/openapi.js')>('http/openapi.js');
  // A preview makes no instance of anything: there is no database to reach, and no setting to miss.
  const app = await NestFactory.create(AppModule, new FastifyAdapter(), { preview: true, logger: ['error'] });
  return describeApi(app);
}

/** Arguments of Node that lint a file. The status is 0 without a finding. */
export function lintArguments(file: string): string[] {
  const cli = join(root, 'node_modules/@redocly/cli/bin/cli.js');
  return [cli, 'lint', file, '--config', join(root, 'redocly.yaml')];
}

/** Neither statistics nor news: the linter must work without a network. */
export function lintEnvironment(): NodeJS.ProcessEnv {
  return { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' };
}

async function main(): Promise<void> {
  const description = descriptionText(await describe());
  const files = [
    [descriptionFile, description],
    [typesFile, await clientTypes(description)],
  ] as const;
  for (const [file, text] of files) {
    if (!process.argv.includes('--check')) {
      await writeFile(file, text);
    } else if ((await readFile(file, 'utf8')) !== text) {
      throw new Error(`${file} is not up to date. Run \`npm run openapi\`.`);
    }
  }
  execFileSync(process.execPath, lintArguments(descriptionFile), { env: lintEnvironment(), stdio: 'inherit' });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await main();
}
