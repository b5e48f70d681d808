import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { errorActors } from '../../src/errors/error-code.js';
import { eventTypes } from '../../src/events/event-type.js';
import { descriptionText } from '../../scripts/openapi.js';
import { startApplication, type TestApplication } from '../support/application.js';
import { checkout } from '../support/service-process.js';

interface Operation {
  readonly tags: readonly [string];
  readonly requestBody?: { readonly required: boolean };
  readonly summary?: string;
  readonly responses: Record<string, unknown>;
  readonly security?: unknown;
  readonly description?: string;
  readonly parameters?: readonly { readonly name: string; readonly description?: string; readonly schema: object }[];
}

interface Description {
  readonly openapi: string;
  readonly tags: readonly { readonly name: string; readonly description: string }[];
  readonly paths: Record<string, Record<string, Operation>>;
  readonly webhooks: Record<string, unknown>;
  readonly components: {
    readonly schemas: Record<string, { readonly properties?: object; readonly required?: unknown }>;
  };
}

describe('the OpenAPI description', () => {
  let application: TestApplication;
  let description: Description;
  let paths: Description['paths'];
  let text: string;
  beforeAll(async () => {
    application = await startApplication();
    const response = await application.browser.get('/docs-json').expect(200);
    description = response.body as Description;
    ({ paths } = description);
    text = response.text;
  });
  afterAll(() => application.close());

  it('is shown as a page', async () => {
    const page = await application.browser.get('/docs').expect(200);
    expect(page.text).toContain('swagger-ui');
  });

  it('is the file openapi.json, which `npm run openapi` writes', async () => {
    expect(await readFile(join(checkout, 'openapi.json'), 'utf8')).toBe(descriptionText(description));
  });

  it('is OpenAPI 3.1, where null is a type', () => {
    expect(description.openapi).toMatch(/^3\.1\./);
    expect(text).not.toContain('"nullable"');
    expect(description.components.schemas['ConnectionResponse']?.properties).toMatchObject({
      expires_at: { type: ['string', 'null'] },
      last_error: { anyOf: [{ $ref: '#/components/schemas/LastErrorResponse' }, { type: 'null' }] },
      refresh_expires_at_source: { enum: ['provider', 'declared', null] },
    });
  });

  it('describes every tag that a call has, and lists the calls in the order of the tags', () => {
    const used = Object.values(paths).flatMap((methods) => Object.values(methods).map(({ tags: [tag] }) => tag));
    const tags = description.tags.map(({ name }) => name);
    expect([...new Set(used)]).toEqual(tags);
    expect(used).toEqual(used.toSorted((a, b) => tags.indexOf(a) - tags.indexOf(b)));
  });

  it('requires a body exactly where a field is required', async () => {
    const bodies = Object.values(paths).flatMap((methods) => Object.values(methods));
    const optional = bodies.filter(({ requestBody }) => requestBody?.required === false);
    expect(optional.map(({ summary }) => summary)).toContain(
      'Start a link: get the URL that the user opens in a browser',
    );
    await application.api.post('/v1/users/user-1/connections/whoop/link').expect(201);
    await application.api.post('/v1/link-sessions').expect(400);
  });

  it('has a token as one of two shapes, told apart by token_type', () => {
    const token = paths['/v1/users/{user_id}/connections/{provider}/token']?.['get'];
    const shapes = ['BearerTokenResponse', 'OAuth1TokenResponse'].map((name) => `#/components/schemas/${name}`);
    expect(token?.responses['200']).toMatchObject({
      content: {
        'application/json': {
          schema: {
            oneOf: shapes.map(($ref) => ({ $ref })),
            discriminator: { propertyName: 'token_type', mapping: { bearer: shapes[0], oauth1: shapes[1] } },
          },
        },
      },
    });
  });

  it('has a webhook for each type of event', () => {
    expect(Object.keys(description.webhooks)).toEqual([...eventTypes]);
  });

  it('has every call', () => {
    const calls = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(calls.sort()).toEqual([
      'DELETE /v1/users/{user_id}',
      'DELETE /v1/users/{user_id}/connections/{provider}',
      'DELETE /v1/users/{user_id}/connections/{provider}/proxy/{path}',
      'DELETE /v1/webhook-endpoints/{endpoint_id}',
      'GET /health/live',
      'GET /health/ready',
      'GET /metrics',
      'GET /v1/audit',
      'GET /v1/connections',
      'GET /v1/connections/stats',
      'GET /v1/events',
      'GET /v1/hooks/{provider}',
      'GET /v1/hooks/{provider}/{path_secret}',
      'GET /v1/links/{link_id}/resume',
      'GET /v1/oauth/{provider}/callback',
      'GET /v1/providers',
      'GET /v1/users/{user_id}/connections',
      'GET /v1/users/{user_id}/connections/{provider}',
      'GET /v1/users/{user_id}/connections/{provider}/proxy/{path}',
      'GET /v1/users/{user_id}/connections/{provider}/token',
      'GET /v1/users/{user_id}/export',
      'GET /v1/webhook-endpoints',
      'GET /v1/webhook-endpoints/{endpoint_id}',
      'GET /v1/webhook-endpoints/{endpoint_id}/attempts',
      'PATCH /v1/users/{user_id}/connections/{provider}/proxy/{path}',
      'PATCH /v1/webhook-endpoints/{endpoint_id}',
      'POST /v1/hooks/{provider}',
      'POST /v1/hooks/{provider}/{path_secret}',
      'POST /v1/imports',
      'POST /v1/link-sessions',
      'POST /v1/links/{link_id}/confirm',
      'POST /v1/oauth/{provider}/callback',
      'POST /v1/users/{user_id}/connections/{provider}/link',
      'POST /v1/users/{user_id}/connections/{provider}/proxy/{path}',
      'POST /v1/users/{user_id}/connections/{provider}/refresh',
      'POST /v1/users/{user_id}/connections/{provider}/sign',
      'POST /v1/users/{user_id}/connections/{provider}/token/rejected',
      'POST /v1/webhook-endpoints',
      'POST /v1/webhook-endpoints/{endpoint_id}/resend',
      'POST /v1/webhook-endpoints/{endpoint_id}/resend-failed',
      'POST /v1/webhook-endpoints/{endpoint_id}/rotate-secret',
      'POST /v1/webhook-endpoints/{endpoint_id}/test',
      'PUT /v1/users/{user_id}/connections/{provider}/proxy/{path}',
    ]);
  });

  it('describes every call, and marks every call that needs a key', () => {
    const operations = Object.entries(paths).flatMap(([path, methods]) =>
      Object.values(methods).map((operation) => ({ path, operation })),
    );
    expect(operations.filter(({ operation }) => !operation.summary)).toEqual([]);
    const open = operations
      .filter(({ operation }) => JSON.stringify(operation.security) === '[]')
      .map(({ path }) => path);
    expect(new Set(open)).toEqual(
      new Set([
        '/health/live',
        '/health/ready',
        '/v1/hooks/{provider}',
        '/v1/hooks/{provider}/{path_secret}',
        '/v1/links/{link_id}/resume',
        '/v1/oauth/{provider}/callback',
      ]),
    );
  });

  it('says which scope a call needs, and whether users may make it', () => {
    const { get: token, delete: unlink } = {
      get: paths['/v1/users/{user_id}/connections/{provider}/token']?.['get'],
      delete: paths['/v1/users/{user_id}/connections/{provider}']?.['delete'],
    };
    expect(token?.description).toContain('an API key with the scope `tokens:read`.');
    expect(unlink?.description).toContain('the scope `connections:write`, or the user token of this user.');
  });

  it('describes every parameter', () => {
    const bare = Object.entries(paths).flatMap(([path, methods]) =>
      Object.values(methods).flatMap(({ parameters = [] }) =>
        parameters.filter(({ description }) => !description).map(({ name }) => `${path} ${name}`),
      ),
    );
    expect(bare).toEqual([]);
  });

  it('has no refusal of an API key where none is requested, and one everywhere else', () => {
    for (const [path, methods] of Object.entries(paths)) {
      for (const { security, responses } of Object.values(methods)) {
        expect([path, '401' in responses]).toEqual([path, JSON.stringify(security) !== '[]']);
      }
    }
    expect(Object.keys(paths['/health/ready']?.['get']?.responses ?? {})).toEqual(['200', '503']);
  });

  it('has a rate limit wherever a caller may be refused (AR-25)', () => {
    for (const path of ['/v1/users/{user_id}/connections/{provider}/token', '/v1/providers']) {
      expect(Object.keys(paths[path]?.['get']?.responses ?? {})).toContain('429');
    }
  });

  it('has every error code, those of a call as examples of its responses', () => {
    expect(Object.keys(errorActors).filter((code) => !text.includes(code))).toEqual([]);
    const token = paths['/v1/users/{user_id}/connections/{provider}/token']?.['get'];
    expect(JSON.stringify(token?.responses)).toContain('"#/components/examples/TOKEN_REFRESH_PENDING"');
  });

  it('has an example for every field of a response', () => {
    const { schemas } = description.components;
    const bare = Object.entries(schemas).flatMap(([name, { properties = {} }]) =>
      Object.entries(properties as Record<string, object>)
        .filter(
          ([, field]) => !['example', 'items', 'allOf', 'anyOf', '$ref', 'properties'].some((key) => key in field),
        )
        .map(([field]) => `${name}.${field}`),
    );
    expect(bare).toEqual([]);
  });
});
