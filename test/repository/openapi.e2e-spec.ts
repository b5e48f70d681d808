import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { type Description, findBreakingChanges, lastReleaseFile } from '../../scripts/openapi-changes.js';
import { clientTypes, lintArguments, lintEnvironment } from '../../scripts/openapi.js';
import { checkout } from '../support/service-process.js';

const file = join(checkout, 'openapi.json');
const tokenPath = '/v1/users/{user_id}/connections/{provider}/token';
const linkPath = '/v1/users/{user_id}/connections/{provider}/link';

describe('openapi.json', () => {
  let text: string;
  beforeAll(async () => {
    text = await readFile(file, 'utf8');
  });

  it('has no finding of Redocly', async () => {
    const run = promisify(execFile)(process.execPath, lintArguments(file), { env: lintEnvironment() });
    await expect(run).resolves.toMatchObject({ stderr: expect.stringContaining('is valid') as unknown });
  });

  it('is the source of the types of the client', async () => {
    const types = await readFile(join(checkout, 'clients/typescript/src/generated/api.ts'), 'utf8');
    expect(types).toBe(await clientTypes(text));
  });

  it('breaks no caller of the last release', async () => {
    const released = JSON.parse(
      await readFile(await lastReleaseFile(join(checkout, 'openapi')), 'utf8'),
    ) as Description;
    expect(findBreakingChanges(released, JSON.parse(text) as Description)).toEqual([]);
  });

  /** A change of the description by text, and what the comparison says of it. */
  it.each<[string, (description: Draft) => void, string[]]>([
    ['a removed call', ({ paths }) => delete paths[tokenPath]?.['get'], [`GET ${tokenPath}: was removed`]],
    [
      'another operation id',
      ({ paths }) => Object.assign(paths['/v1/providers']?.['get'] ?? {}, { operationId: 'listProviders' }),
      ['GET /v1/providers: operation id providersList is now listProviders'],
    ],
    [
      'another scope',
      ({ paths }) => Object.assign(paths['/v1/audit']?.['get'] ?? {}, { 'x-required-scope': 'audit:all' }),
      ['GET /v1/audit: needs the scope audit:all in place of audit:read'],
    ],
    [
      'a field of a response that is gone',
      ({ components: { schemas } }) => delete schemas['StartedLinkResponse']?.properties['state'],
      [`POST ${linkPath}: response 201.state was removed`],
    ],
    [
      'a field of a response that may be null',
      ({ components: { schemas } }) =>
        ((schemas['StartedLinkResponse'] ??= none).properties['state'] = { type: ['string', 'null'] }),
      [`POST ${linkPath}: response 201.state is string or null in place of string`],
    ],
    [
      'a field of a response that may be absent',
      ({ components: { schemas } }) => (schemas['StartedLinkResponse'] ??= none).required.splice(0, 1),
      [`POST ${linkPath}: response 201.link_id may be absent now`],
    ],
    [
      'a field of a body that is now required',
      ({ components: { schemas } }) => ((schemas['StartLinkBody'] ??= none).required = ['return_url']),
      [`POST ${linkPath}: body.return_url is now required`],
    ],
    [
      'a value that a body may no longer have',
      ({ components: { schemas } }) =>
        ((schemas['StartLinkBody'] ??= none).properties['on_account_change'] = { type: 'string', enum: ['refuse'] }),
      [`POST ${linkPath}: body.on_account_change takes refuse only`],
    ],
  ])('is told to break callers by %s', (_, change, changes) => {
    const description = JSON.parse(text) as Draft;
    change(description);
    expect(findBreakingChanges(JSON.parse(text) as Description, description as unknown as Description)).toEqual(
      changes,
    );
  });

  it('is told to break nobody by new calls, optional fields and new values of responses', () => {
    const description = JSON.parse(text) as Draft;
    const { paths, components } = description;
    paths['/v1/new'] = { get: {} };
    Object.assign(components.schemas['StartLinkBody']?.properties ?? {}, { note: { type: 'string' } });
    Object.assign(components.schemas['ConnectionResponse']?.properties ?? {}, {
      status: { type: 'string', enum: ['active', 'needs_relink', 'frozen'] },
      note: { type: 'string' },
    });
    expect(findBreakingChanges(JSON.parse(text) as Description, description as unknown as Description)).toEqual([]);
  });
});

/** A description that a test changes. */
interface Draft {
  readonly paths: Record<string, Record<string, object>>;
  readonly components: { readonly schemas: Record<string, DraftSchema> };
}
interface DraftSchema {
  properties: Record<string, object>;
  required: string[];
}
const none: DraftSchema = { properties: {}, required: [] };
