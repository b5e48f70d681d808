import { gzipSync } from 'node:zlib';
import type { PreparedResponse } from '../../src/provider-kit/testing/recording-server.js';
import type { StagedResponse, TokenFields } from './strict-authorization-server.js';

/** A response of a token endpoint, and what must come of it. */
export interface ResponseCase extends StagedResponse {
  readonly title: string;
  /**
   * `read`: the tokens are used. `rotated`: only the refresh token is kept.
   * `in-doubt`: nobody knows, so the refresh token that was sent rests. `no-evidence`: the provider has refused without
   * a word about the grant. `refused`: it has refused the grant.
   */
  readonly expected: 'read' | 'rotated' | 'in-doubt' | 'no-evidence' | 'refused';
  /** `scopes_granted` afterwards, where the case is about it. */
  readonly scopes?: readonly string[] | null;
  /** Whether that is so after a refresh only, because at a link nothing is known yet. */
  readonly keepsScopes?: boolean;
}

type Headers = NonNullable<PreparedResponse['headers']>;
type Write = (fields: TokenFields) => string;

const asJson: Write = (fields) => JSON.stringify(fields);
const asForm: Write = (fields) =>
  new URLSearchParams(Object.entries(fields).map(([name, value]): [string, string] => [name, `${value}`])).toString();

/** Headers that say everything but what the body is. */
const headers: readonly (readonly [string, Headers])[] = [
  ['application/json', { 'content-type': 'application/json' }],
  ['text/plain', { 'content-type': 'text/plain; charset=utf-8' }],
  ['text/html', { 'content-type': 'text/html' }],
  ['text/javascript', { 'content-type': 'text/javascript' }],
  ['application/x-www-form-urlencoded', { 'content-type': 'application/x-www-form-urlencoded' }],
  ['application/octet-stream', { 'content-type': 'application/octet-stream' }],
  ['application/json twice in one header', { 'content-type': 'application/json, application/json' }],
  ['two content types', { 'content-type': ['text/html', 'application/json'] }],
  ['no content type', {}],
];

const goodBodies: readonly (readonly [string, Write])[] = [
  ['JSON', asJson],
  ['indented JSON behind a byte order mark', (fields) => `\ufeff${JSON.stringify(fields, null, 2)}\r\n`],
  ['a form', asForm],
  ['JSON behind a notice of PHP', (fields) => `<br />\n<b>Notice</b>: {x} on line <b>3</b><br />\n${asJson(fields)}`],
  ['JSON of 1 MiB', (fields) => asJson({ ...fields, ...{ profile: 'x'.repeat(1024 * 1024 - 400) } })],
];

const read: readonly ResponseCase[] = goodBodies.flatMap(([body, write]) =>
  headers.map(([name, sent]) => ({
    title: `${body} under ${name}`,
    isDone: true,
    expected: 'read' as const,
    scopes: ['activity', 'sleep'],
    render: (fields) => ({ headers: sent, body: write(fields) }),
  })),
);

const packed: readonly ResponseCase[] = [
  {
    title: 'compressed JSON',
    isDone: true,
    expected: 'read',
    render: (fields) => ({ headers: { 'content-encoding': 'gzip' }, body: gzipSync(asJson(fields)) }),
  },
  {
    title: 'JSON with HTTP 201',
    isDone: true,
    expected: 'read',
    render: (fields) => ({ status: 201, body: asJson(fields) }),
  },
];

/** Fields beside the tokens, as providers send them; `undefined` leaves one out. */
const oddFields: readonly (readonly [
  field: string,
  value: unknown,
  scopes?: readonly string[] | null,
  keepsScopes?: boolean,
])[] = [
  ...[undefined, null, '', ' ', 'Bearer ', 'BEARER'].map((value) => ['token_type', value] as const),
  ...[undefined, null, 0, -1, '', '0', '3599.5', 3599.5, 'soon', false, 1e15, '9223372036854775', [3600], {}].map(
    (value) => ['expires_in', value] as const,
  ),
  ['scope', undefined, ['activity', 'sleep']],
  ['scope', 'activity,sleep', ['activity', 'sleep']],
  ['scope', ' activity,  sleep', ['activity', 'sleep']],
  ['scope', ['activity'], ['activity']],
  ['scope', 'activity', ['activity']],
  ...['', ' ', null].map((value) => ['scope', value, ['activity', 'sleep'], true] as const),
  ...[7, {}, [], 'a\u0000b'].map((value) => ['scope', value, null] as const),
  ...[{ id: 1 }, [], true].map((value) => ['user_id', value] as const),
  ['__proto__', { access_token: 'not-this-one' }],
  ['error', null],
];

const odd: readonly ResponseCase[] = oddFields.map(([field, value, scopes, keepsScopes = false]) => ({
  title: `${field} ${JSON.stringify(value) ?? 'left out'}`,
  isDone: true,
  expected: 'read',
  ...(scopes === undefined ? {} : { scopes, keepsScopes }),
  render: (fields) => ({ body: JSON.stringify(Object.fromEntries(Object.entries({ ...fields, [field]: value }))) }),
}));

const rotated: readonly ResponseCase[] = [
  ['a token of another type', { token_type: 'mac' }],
  ['an access token that is none', { access_token: 7 }],
  ['no access token', { access_token: undefined }],
].map(([title, change]) => ({
  title: `${title as string} beside a new refresh token`,
  isDone: true,
  expected: 'rotated',
  render: (fields) => ({ body: JSON.stringify({ ...fields, ...(change as object) }) }),
}));

const unreadableBodies: readonly (readonly [string, (fields: TokenFields) => PreparedResponse])[] = [
  ['nothing', () => ({})],
  ['HTTP 204', () => ({ status: 204 })],
  ['a page', () => ({ headers: { 'content-type': 'text/html' }, body: '<!doctype html><title>Maintenance</title>' })],
  ['a page that claims to be JSON', () => ({ headers: { 'content-type': 'application/json' }, body: '<html>' })],
  ['JSON that was cut off', (fields) => ({ body: asJson(fields).slice(0, -40) })],
  ['a function call', (fields) => ({ body: `callback(${asJson(fields)});` })],
  ['text behind the JSON', (fields) => ({ body: `${asJson(fields)}<!-- 3 ms -->` })],
  ['a list', (fields) => ({ body: `[${asJson(fields)}]` })],
  ['null', () => ({ body: 'null' })],
  ['JSON without tokens', () => ({ body: '{"message":"ok"}' })],
  ['refresh_token that is none', (fields) => ({ body: JSON.stringify({ ...fields, refresh_token: ['x'] }) })],
  ['a body above 1 MiB', (fields) => ({ body: asJson(fields).padEnd(1024 * 1024 + 1) })],
  ['a broken compression', () => ({ headers: { 'content-encoding': 'gzip' }, body: 'not gzip' })],
  ['an unknown compression', (fields) => ({ headers: { 'content-encoding': 'zstd' }, body: asJson(fields) })],
];

const inDoubt: readonly ResponseCase[] = unreadableBodies.flatMap(([title, render]) =>
  [true, false].map((isDone) => ({
    title: `${title}, ${isDone ? 'with' : 'without'} the tokens spent`,
    isDone,
    expected: 'in-doubt' as const,
    render,
  })),
);

const noEvidence: readonly ResponseCase[] = [
  ...[400, 401, 403].flatMap((status) => [
    [`an empty HTTP ${status}`, { status }] as const,
    [`HTTP ${status} with a message`, { status, body: '{"message":"Forbidden"}' }] as const,
    [
      `HTTP ${status} with a problem document`,
      {
        status,
        headers: { 'content-type': 'application/problem+json' },
        body: `{"title":"Request blocked","detail":"","status":${status}}`,
      },
    ] as const,
  ]),
  ...['rate_limit_exceeded', 'too_many_requests', 'internal_error', 'Too Many Requests'].map(
    (error) => [`HTTP 400 ${error}`, { status: 400, body: JSON.stringify({ error }) }] as const,
  ),
  ['a quota of Google', { status: 400, body: '{"error":{"code":429,"status":"RESOURCE_EXHAUSTED"}}' }] as const,
  ['a fault of Apigee', { status: 400, body: '{"fault":{"faultstring":"Spike arrest violation"}}' }] as const,
  ['a page of a firewall', { status: 403, headers: { 'content-type': 'text/html' }, body: '<html>' }] as const,
  ['HTTP 404', { status: 404 }] as const,
  ['HTTP 405', { status: 405 }] as const,
  ['HTTP 410', { status: 410 }] as const,
  ['HTTP 302', { status: 302, headers: { location: 'http://127.0.0.1:9/' } }] as const,
  ['HTTP 503', { status: 503 }] as const,
].map(([title, response]) => ({ title, isDone: false, expected: 'no-evidence', render: () => response }));

const refused: readonly ResponseCase[] = headers.map(([name, sent]) => ({
  title: `invalid_grant under ${name}`,
  isDone: false,
  expected: 'refused',
  render: () => ({ status: 400, headers: sent, body: '{"error":"invalid_grant"}' }),
}));

/** Bodies and headers as authorization servers have sent them. */
export const responseCases: readonly ResponseCase[] = [
  ...read,
  ...packed,
  ...odd,
  ...rotated,
  ...inDoubt,
  ...noEvidence,
  ...refused,
];
