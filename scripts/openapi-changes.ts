import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { viewOf, type Resolve, type SchemaView } from './openapi-schema.ts';

/**
 * `npm run openapi:changes`: compares `openapi.json` with the description of the last release in `openapi/`, and lists
 * what breaks callers by docs/api-policy.md. Fails if it finds something.
 */

interface Operation {
  readonly operationId: string;
  readonly 'x-required-scope'?: string;
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly required?: boolean;
    readonly schema?: object;
  }[];
  readonly requestBody?: { readonly required?: boolean; readonly content: Content };
  readonly responses: Readonly<Record<string, { readonly content?: Content }>>;
}
type Content = Readonly<
  Record<string, { readonly schema?: object; readonly examples?: Readonly<Record<string, unknown>> }>
>;

/** The parts of an OpenAPI description that are compared. */
export interface Description {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, object>> };
}

/** One side of the comparison. */
interface Side {
  readonly operation: Operation;
  readonly resolve: Resolve;
}

/** Returns one sentence for each change that breaks a caller of the older description. */
export function findBreakingChanges(before: Description, after: Description): string[] {
  return Object.entries(before.paths).flatMap(([path, operations]) =>
    Object.entries(operations).flatMap(([method, operation]) => {
      const next = after.paths[path]?.[method];
      const changes =
        next === undefined
          ? ['was removed']
          : compare({ operation, resolve: resolverOf(before) }, { operation: next, resolve: resolverOf(after) });
      return changes.map((change) => `${method.toUpperCase()} ${path}: ${change}`);
    }),
  );
}

function resolverOf({ components }: Description): Resolve {
  return (reference) => components.schemas[reference.replace('#/components/schemas/', '')];
}

function compare(before: Side, after: Side): string[] {
  const [old, next] = [before.operation, after.operation];
  const changes = compareParameters(before, after);
  if (old.operationId !== next.operationId) {
    changes.push(`operation id ${old.operationId} is now ${next.operationId}`);
  }
  if (old['x-required-scope'] !== next['x-required-scope']) {
    changes.push(`needs the scope ${next['x-required-scope']} in place of ${old['x-required-scope']}`);
  }
  if (old.requestBody?.required !== true && next.requestBody?.required === true) {
    changes.push('the body is now required');
  }
  for (const [type, { schema }] of Object.entries(old.requestBody?.content ?? {})) {
    const nextSchema = next.requestBody?.content[type]?.schema;
    if (next.requestBody?.content[type] === undefined) {
      changes.push(`takes no body of type ${type}`);
    } else if (schema !== undefined && nextSchema !== undefined) {
      changes.push(...narrowed('body', viewOf(schema, before.resolve), viewOf(nextSchema, after.resolve)));
    }
  }
  return [...changes, ...compareResponses(before, after)];
}

function compareParameters(before: Side, after: Side): string[] {
  const changes: string[] = [];
  const old = before.operation.parameters ?? [];
  const next = after.operation.parameters ?? [];
  for (const parameter of old) {
    const same = next.find((each) => each.name === parameter.name && each.in === parameter.in);
    if (same === undefined) {
      changes.push(`parameter ${parameter.name} was removed`);
    } else if (parameter.required !== true && same.required === true) {
      changes.push(`parameter ${parameter.name} is now required`);
    } else {
      const [view, nextView] = [
        viewOf(parameter.schema ?? {}, before.resolve),
        viewOf(same.schema ?? {}, after.resolve),
      ];
      changes.push(...narrowed(`parameter ${parameter.name}`, view, nextView));
    }
  }
  const added = next.filter(({ name, required }) => required === true && !old.some((each) => each.name === name));
  return [...changes, ...added.map(({ name }) => `parameter ${name} is new and required`)];
}

function compareResponses(before: Side, after: Side): string[] {
  const changes: string[] = [];
  const codes = statusesOfCodes(after.operation);
  for (const [code, status] of statusesOfCodes(before.operation)) {
    if (codes.has(code) && codes.get(code) !== status) {
      changes.push(`${code} has the status ${codes.get(code)} in place of ${status}`);
    }
  }
  for (const [status, { content = {} }] of Object.entries(before.operation.responses)) {
    const next = after.operation.responses[status];
    if (/^[23]/.test(status) && next === undefined) {
      changes.push(`response ${status} was removed`);
    }
    for (const [type, { schema }] of Object.entries(content)) {
      const nextSchema = next?.content?.[type]?.schema;
      if (schema !== undefined && nextSchema !== undefined) {
        const views = [viewOf(schema, before.resolve), viewOf(nextSchema, after.resolve)] as const;
        changes.push(...widened(`response ${status}`, ...views));
      }
    }
  }
  return changes;
}

/** The errors of an operation are the names of its examples. */
function statusesOfCodes({ responses }: Operation): Map<string, string> {
  return new Map(
    Object.entries(responses).flatMap(([status, { content }]) =>
      Object.keys(content?.['application/problem+json']?.examples ?? {}).map((code) => [code, status] as const),
    ),
  );
}

/** Compares a request: the new description must accept all that the old one accepted. */
function narrowed(at: string, old: SchemaView, next: SchemaView): string[] {
  const changes: string[] = [];
  if (next.types.size > 0 && old.types.size > 0 && !old.types.isSubsetOf(next.types)) {
    changes.push(`${at} takes ${list(next.types)} in place of ${list(old.types)}`);
  }
  if (next.values !== undefined && old.values?.isSubsetOf(next.values) !== true) {
    changes.push(`${at} takes ${list(next.values)} only`);
  }
  if (next.maxLength < old.maxLength || next.maxItems < old.maxItems) {
    changes.push(`${at} must be shorter than before`);
  }
  for (const name of next.required.difference(old.required)) {
    changes.push(`${at}.${name} is now required`);
  }
  return [...changes, ...compareFields(at, old, next, narrowed)];
}

/**
 * Compares a response: the new description must return nothing that the old one excluded. New values are allowed.
 */
function widened(at: string, old: SchemaView, next: SchemaView): string[] {
  const changes: string[] = [];
  if (old.types.size > 0 && (next.types.size === 0 || !next.types.isSubsetOf(old.types))) {
    changes.push(`${at} is ${list(next.types)} in place of ${list(old.types)}`);
  }
  for (const name of old.required.difference(next.required)) {
    if (next.properties.has(name)) {
      changes.push(`${at}.${name} may be absent now`);
    }
  }
  return [...changes, ...compareFields(at, old, next, widened)];
}

function compareFields(at: string, old: SchemaView, next: SchemaView, rule: typeof narrowed): string[] {
  const ofFields = [...old.properties].flatMap(([name, view]) => {
    const nextView = next.properties.get(name);
    return nextView === undefined ? [`${at}.${name} was removed`] : rule(`${at}.${name}`, view, nextView);
  });
  const { items } = old;
  return items !== undefined && next.items !== undefined
    ? [...ofFields, ...rule(`${at}[]`, items, next.items)]
    : ofFields;
}

function list(values: Iterable<unknown>): string {
  return [...values].join(' or ') || 'anything';
}

/** The file of the newest release. */
export async function lastReleaseFile(folder: string): Promise<string> {
  const names = (await readdir(folder)).filter((name) => /^\d+\.\d+\.\d+\.json$/.test(name));
  const newest = names.sort((a, b) => a.localeCompare(b, 'en', { numeric: true })).at(-1);
  if (newest === undefined) {
    throw new Error(`${folder} has no description of a release.`);
  }
  return join(folder, newest);
}

async function main(): Promise<void> {
  const root = dirname(import.meta.dirname);
  const released = await lastReleaseFile(join(root, 'openapi'));
  const [before, after] = await Promise.all(
    [released, join(root, 'openapi.json')].map(async (file) => JSON.parse(await readFile(file, 'utf8')) as Description),
  );
  const changes = before === undefined || after === undefined ? [] : findBreakingChanges(before, after);
  process.stdout.write(changes.map((change) => `${change}\n`).join(''));
  process.stdout.write(`${changes.length} breaking changes since openapi/${basename(released)}\n`);
  process.exitCode = changes.length === 0 ? 0 : 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await main();
}
