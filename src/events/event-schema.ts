import { eventProofs, eventSources, type EventType } from './event-type.js';

/** A schema of OpenAPI. */
type Schema = Readonly<Record<string, unknown>>;

const fields = {
  user_id: { type: 'string', example: 'user-42', description: 'your own id of the user' },
  provider: { type: 'string', example: 'whoop', description: 'slug of the provider' },
  connection_id: { type: 'string', format: 'uuid', example: '0b8f6c1e-6a5e-4b39-9f0e-1f2d3c4b5a69' },
  sequence: { type: 'integer', example: 7, description: 'counts the events of the connection, from 1' },
  reason: {
    type: 'string',
    example: 'grant_refused',
    description: 'the `reason` of the connection; see docs/errors.md',
  },
  expires_at: { type: 'string', format: 'date-time', example: '2026-12-06T10:00:00.000Z' },
  expires_at_source: {
    type: 'string',
    enum: ['provider', 'declared'],
    example: 'provider',
    description: 'provider: from the token response; declared: from the lifetime that the provider publishes',
  },
  sunset_at: {
    type: 'string',
    nullable: true,
    example: '2026-12-31',
    description: 'the last day of its API; null: not announced',
  },
  replaced_by: { type: 'string', nullable: true, example: null, description: 'slug of the successor' },
  error_code: { type: 'string', example: 'PROVIDER_UNAVAILABLE', description: 'see docs/errors.md' },
  data_types: {
    type: 'array',
    items: { type: 'string' },
    example: ['sleep'],
    description: 'kinds of data, in the words of the provider',
  },
  metadata: {
    type: 'object',
    additionalProperties: { type: 'string' },
    example: { clinic: 'north' },
    description: 'your own metadata of the connection; absent without metadata',
  },
  endpoint_id: { type: 'string', format: 'uuid', example: '5f0e1d2c-3b4a-4958-8776-655443322110' },
  source: {
    type: 'string',
    enum: eventSources,
    example: 'refresh',
    description: 'notification of the provider, refresh or other work in the background, call of the API, or operator',
  },
  proof: {
    type: 'string',
    enum: eventProofs,
    example: 'confirmed',
    description: 'signed by the provider, confirmed by Cufflink, or an unproven notification',
  },
} as const satisfies Record<string, Schema>;

type Field = keyof typeof fields;

const ofConnection: readonly Field[] = ['user_id', 'provider', 'connection_id', 'sequence', 'metadata'];
/** Components of the description, by field: for fields that are long and in many events. */
const components: Partial<Record<Field, string>> = { metadata: 'ConnectionMetadata' };
/** Whether events of a type may lack a field. */
function isOptional(type: EventType, field: Field): boolean {
  return field === 'metadata' || (type === 'connection.unlinked' && field === 'reason');
}

/** The meaning of each type, and its fields besides `source` and `proof`. */
const shapes: Record<
  EventType,
  readonly [meaning: string, fields: readonly Field[], examples?: Partial<Record<Field, unknown>>]
> = {
  'connection.linked': ['The user has linked an account.', ofConnection, { sequence: 1, source: 'call' }],
  'connection.relinked': ['The user has linked again. The connection keeps its id.', ofConnection, { source: 'call' }],
  'connection.scopes_changed': ['The provider has granted other scopes than before.', ofConnection],
  'connection.refresh_failing': [
    'A refresh failed for the first time since the last success. Retries follow; the user need not do anything.',
    [...ofConnection, 'reason', 'error_code'],
    { reason: 'refresh_failing' },
  ],
  'connection.recovered': ['A connection works again after failed refreshes, or after its end.', ofConnection],
  'connection.needs_relink': [
    'The connection has ended. Ask the user to link again.',
    [...ofConnection, 'reason'],
    { reason: 'grant_refused' },
  ],
  'connection.expiring': [
    'The refresh token expires in a few days unless it is used before. Ask the user to link again.',
    [...ofConnection, 'expires_at', 'expires_at_source'],
  ],
  'connection.unlinked': [
    'The connection was removed. The reason `migrated` means that a connection of the successor replaced it.',
    [...ofConnection, 'reason'],
    { source: 'operator', reason: 'migrated' },
  ],
  'user.erased': ['All data of the user is erased.', ['user_id'], { source: 'call' }],
  'provider.retiring': [
    'The provider has announced the end of its API.',
    ['provider', 'sunset_at', 'replaced_by'],
    { source: 'operator' },
  ],
  'provider.degraded': [
    'The circuit breaker of the provider opened: refreshes are paused. Tokens that still work are issued.',
    ['provider', 'error_code'],
  ],
  'provider.restored': ['The circuit breaker of the provider closed: refreshes have resumed.', ['provider']],
  'data.available': [
    'The provider has announced new data of the user.',
    [...ofConnection, 'data_types'],
    { source: 'notification', proof: 'signed' },
  ],
  'webhook.disabled': [
    'Deliveries to an endpoint were stopped: they failed for days, or it responded with HTTP 410.',
    ['reason', 'endpoint_id'],
    { reason: 'failing' },
  ],
  'webhook.test': ['You have requested a test of an endpoint.', ['endpoint_id'], { source: 'call' }],
};

const idExample = 'd2b1a7c4-5e6f-4a3b-8c9d-0e1f2a3b4c5d';
const timestampExample = '2026-11-30T10:00:00.000Z';

/** Returns the schema of each type of event, with an example. */
export function eventSchemas(): Schema[] {
  return Object.entries(shapes).map(([type, [description, names]]) => {
    const all: readonly Field[] = [...names, 'source', 'proof'];
    return {
      title: type,
      description,
      type: 'object',
      required: ['id', 'type', 'timestamp', 'data'],
      properties: {
        id: { type: 'string', format: 'uuid', example: idExample, description: 'the same in every delivery' },
        type: { type: 'string', enum: [type], example: type },
        timestamp: { type: 'string', format: 'date-time', example: timestampExample },
        data: {
          type: 'object',
          required: all.filter((name) => !isOptional(type as EventType, name)),
          properties: Object.fromEntries(all.map((name) => [name, schemaOf(name)])),
        },
      },
      example: exampleEvent(type as EventType),
    };
  });
}

/** Returns the schemas that several events refer to, by their names. */
export function sharedSchemas(): Record<string, Schema> {
  return Object.fromEntries(
    Object.entries(components).map(([field, component]) => [component, fields[field as Field]]),
  );
}

function schemaOf(field: Field): Schema {
  const component = components[field];
  return component === undefined ? fields[field] : { $ref: `#/components/schemas/${component}` };
}

/** Returns an event of a type, as it could be sent. */
export function exampleEvent(type: EventType): { id: string; type: EventType; timestamp: string; data: object } {
  const [, names, examples = {}] = shapes[type];
  const all: readonly Field[] = [...names, 'source', 'proof'];
  const data = Object.fromEntries(all.map((name) => [name, name in examples ? examples[name] : fields[name].example]));
  return { id: idExample, type, timestamp: timestampExample, data };
}
