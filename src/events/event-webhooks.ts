import type { DocumentParts } from '../http/openapi.js';
import { eventSchemas, sharedSchemas } from './event-schema.js';
import { eventTypes } from './event-type.js';

/** The name of an event's schema, such as `ConnectionLinkedEvent`. */
function schemaName(type: string): string {
  const words = type.split(/[._]/).map((word) => word.charAt(0).toUpperCase() + word.slice(1));
  return `${words.join('')}Event`;
}

const types = eventTypes.map((type) => ({
  type,
  name: schemaName(type),
  $ref: `#/components/schemas/${schemaName(type)}`,
}));

/** A reference to the schema of an event of any type. */
export const eventReference = { $ref: '#/components/schemas/Event' } as const;

/** The schemas of events, and the requests that deliver them, for the OpenAPI description. */
export function eventParts(): DocumentParts {
  const schemas = new Map(eventSchemas().map((schema) => [schema['title'], schema]));
  return {
    schemas: {
      Event: {
        description: 'an event of any type',
        oneOf: types.map(({ $ref }) => ({ $ref })),
        discriminator: {
          propertyName: 'type',
          mapping: Object.fromEntries(types.map(({ type, $ref }) => [type, $ref])),
        },
      },
      ...sharedSchemas(),
      ...Object.fromEntries(types.map(({ type, name }) => [name, { ...schemas.get(type) }])),
    },
    webhooks: Object.fromEntries(
      types.map(({ type, name, $ref }) => [type, { post: delivery(name, $ref, schemas.get(type)) }]),
    ),
  };
}

function delivery(name: string, $ref: string, schema: object | undefined): object {
  const { title, description } = schema as { readonly title: string; readonly description: string };
  return {
    operationId: `deliver${name}`,
    tags: ['Events'],
    summary: `An event ${title}`,
    description: `${description} Your endpoint receives it. Verify the signature before you read the body: docs/events.md says how.`,
    security: [],
    parameters: [
      header('webhook-id', 'd2b1a7c4-5e6f-4a3b-8c9d-0e1f2a3b4c5d', '`id` of the event, the same in every delivery'),
      header('webhook-timestamp', '1796032800', 'when this delivery was signed, in seconds since 1970'),
      header(
        'webhook-signature',
        'v1,IB4GDMzTzJuXY9Lv3VCOUb3bcr8GuJnoLSW0P1JEb3Y=',
        'signatures, separated by a space',
      ),
    ],
    requestBody: { required: true, content: { 'application/json': { schema: { $ref } } } },
    responses: {
      '2XX': { description: 'you have stored the event' },
      '410': { description: 'you want no more events: the endpoint is disabled' },
      default: { description: 'the delivery is repeated later' },
    },
  };
}

function header(name: string, example: string, description: string): object {
  return { name, in: 'header', required: true, example, description, schema: { type: 'string' } };
}
