import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { errorActors } from '../../src/errors/error-code.js';
import { startApplication, type TestApplication } from '../support/application.js';

interface Operation {
  readonly summary?: string;
  readonly responses: Record<string, unknown>;
  readonly security?: unknown;
  readonly description?: string;
  readonly parameters?: readonly { readonly name: string; readonly description?: string }[];
}

describe('the OpenAPI description', () => {
  let application: TestApplication;
  let paths: Record<string, Record<string, Operation>>;
  let text: string;
  beforeAll(async () => {
    application = await startApplication();
    const answer = await application.browser.get('/docs-json').expect(200);
    ({ paths } = answer.body as { paths: typeof paths });
    text = answer.text;
  });
  afterAll(() => application.close());

  it('is shown as a page', async () => {
    const page = await application.browser.get('/docs').expect(200);
    expect(page.text).toContain('swagger-ui');
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

  it('says of every call what it is for, and of every call that needs a key that it does', () => {
    const operations = Object.entries(paths).flatMap(([path, methods]) =>
      Object.values(methods).map((operation) => ({ path, operation })),
    );
    expect(operations.filter(({ operation }) => !operation.summary)).toEqual([]);
    const open = operations.filter(({ operation }) => operation.security === undefined).map(({ path }) => path);
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

  it('says of every parameter what it is', () => {
    const bare = Object.entries(paths).flatMap(([path, methods]) =>
      Object.values(methods).flatMap(({ parameters = [] }) =>
        parameters.filter(({ description }) => !description).map(({ name }) => `${path} ${name}`),
      ),
    );
    expect(bare).toEqual([]);
  });

  it('has no refusal of an API key where none is asked for, and one everywhere else', () => {
    for (const [path, methods] of Object.entries(paths)) {
      for (const { security, responses } of Object.values(methods)) {
        expect([path, '401' in responses]).toEqual([path, security !== undefined]);
      }
    }
    expect(Object.keys(paths['/health/ready']?.['get']?.responses ?? {})).toEqual(['200', '503']);
  });

  it('AR-25 has a rate limit wherever a caller may be refused', () => {
    for (const path of ['/v1/users/{user_id}/connections/{provider}/token', '/v1/providers']) {
      expect(Object.keys(paths[path]?.['get']?.responses ?? {})).toContain('429');
    }
  });

  it('has every error code, those of a call as examples of its answers', () => {
    expect(Object.keys(errorActors).filter((code) => !text.includes(code))).toEqual([]);
    const token = paths['/v1/users/{user_id}/connections/{provider}/token']?.['get'];
    expect(JSON.stringify(token?.responses)).toContain('"TOKEN_REFRESH_PENDING":{"value":{"type"');
  });

  it('has an example for every field that is answered', () => {
    const { schemas } = (JSON.parse(text) as { components: { schemas: Record<string, { properties: object }> } })
      .components;
    const bare = Object.entries(schemas).flatMap(([name, { properties }]) =>
      Object.entries(properties as Record<string, object>)
        .filter(
          ([, field]) => !('example' in field) && !('items' in field) && !('allOf' in field) && !('$ref' in field),
        )
        .map(([field]) => `${name}.${field}`),
    );
    expect(bare).toEqual([]);
  });
});
