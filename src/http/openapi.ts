import { STATUS_CODES } from 'node:http';
import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import { errorActors } from '../errors/error-code.js';
import { problemExamples, problemSchema, problemSchemaName } from './api-problems.decorator.js';
import { withJsonSchemas } from './openapi-schemas.js';
import { apiTags } from './openapi-tags.js';

/** Extensions in which the decorators of access declare the requirements of a call. */
export const scopeExtension = 'x-required-scope';
export const orUserExtension = 'x-or-user';

/** Extension in which an operation declares {@link DocumentParts}, which are moved to their places in the document. */
export const partsExtension = 'x-document-parts';

/** Parts of the document that belong to no operation. */
export interface DocumentParts {
  readonly schemas?: Readonly<Record<string, object>>;
  /** Requests of this service to its callers, by name. */
  readonly webhooks?: Readonly<Record<string, object>>;
}

/**
 * Returns the OpenAPI 3.1 description of every call.
 *
 * It depends on the code alone, not on settings or on the order of modules: `openapi.json` is a copy of it.
 *
 * @param app - may be one that was created with `preview: true`
 */
export function describeApi(app: INestApplication): OpenAPIObject {
  const document = SwaggerModule.createDocument(app, openApiHead(), {
    operationIdFactory: (controller, method) =>
      lowerFirst(controller.replace(/Controller$/, '')) + method.charAt(0).toUpperCase() + method.slice(1),
  });
  const operations = Object.values(document.paths).flatMap((path) => Object.values(path) as Operation[]);
  const schemas: Record<string, object> = { ...document.components?.schemas, [problemSchemaName]: problemSchema };
  const webhooks: Record<string, object> = {};
  for (const operation of operations) {
    Object.assign(schemas, operation[partsExtension]?.schemas);
    Object.assign(webhooks, operation[partsExtension]?.webhooks);
    delete operation[partsExtension];
  }
  for (const operation of operations) {
    describeCaller(operation);
    describeBody(operation, schemas);
    describeRest(operation);
  }
  return withJsonSchemas({
    ...document,
    paths: inOrder(document.paths),
    webhooks,
    components: { ...document.components, schemas: sorted(schemas), examples: sorted(usedExamples(document.paths)) },
  });
}

interface Operation {
  tags?: string[];
  description?: string;
  security?: object[];
  readonly parameters?: readonly { readonly schema: { type?: string } }[];
  readonly responses: Readonly<Record<string, { description: string }>>;
  readonly requestBody?: {
    required?: boolean;
    readonly content: { readonly 'application/json'?: { readonly schema?: { readonly $ref?: string } } };
  };
  readonly [scopeExtension]?: string;
  readonly [orUserExtension]?: boolean;
  [partsExtension]?: DocumentParts;
}

function openApiHead() {
  const head = new DocumentBuilder()
    .setOpenAPIVersion('3.1.1')
    .setTitle('Cufflink')
    .setDescription(
      'Links health devices over OAuth 1.0a and OAuth 2.0 and returns valid tokens. Errors are RFC 9457 problem details: ' +
        `branch on \`code\`; \`act\` says who must act. The codes: ${describeCodes()}.`,
    )
    .setVersion('1')
    .addServer('/', 'the service that sent this description; everywhere else, its `PUBLIC_URL`')
    .addBearerAuth({
      type: 'http',
      scheme: 'bearer',
      description: 'an API key, or a user token where the call allows it',
    });
  for (const [name, description] of Object.entries(apiTags)) {
    head.addTag(name, description);
  }
  const { info, ...others } = head.build();
  // The builder does not know `identifier`, which is new in 3.1.
  const license: object = { name: 'MIT License', identifier: 'MIT' };
  return { ...others, info: { ...info, license } as OpenAPIObject['info'] };
}

function describeCodes(): string {
  return Object.entries(errorActors)
    .map(([code, actor]) => `\`${code}\` (${actor})`)
    .join(', ');
}

/** Describes the key that a call needs; none without a scheme. */
function describeCaller(operation: Operation): void {
  const scope = operation[scopeExtension];
  if (scope !== undefined) {
    const users = operation[orUserExtension] ? ', or the user token of this user' : '';
    const needed = `Needs an API key with the scope \`${scope}\`${users}.`;
    operation.description = operation.description ? `${needed} ${operation.description}` : needed;
  }
  operation.security ??= [];
}

/** A body without a required field may be left out. The decorators say that every body is required. */
function describeBody({ requestBody }: Operation, schemas: Readonly<Record<string, object>>): void {
  const name = requestBody?.content['application/json']?.schema?.$ref?.split('/').at(-1);
  const { required = [] } = (schemas[name ?? ''] ?? {}) as { required?: readonly string[] };
  if (requestBody !== undefined && name !== undefined && required.length === 0) {
    requestBody.required = false;
  }
}

/** Adds the parts that the decorators leave out: the type of a parameter, and the description of a success. */
function describeRest({ parameters = [], responses }: Operation): void {
  for (const { schema } of parameters) {
    schema.type ??= 'string';
  }
  for (const [status, response] of Object.entries(responses)) {
    response.description ||= STATUS_CODES[status] ?? status;
  }
}

/** The example problems that some operation refers to. */
function usedExamples(paths: object): Record<string, object> {
  const text = JSON.stringify(paths);
  return Object.fromEntries(
    Object.entries(problemExamples).filter(([code]) => text.includes(`"#/components/examples/${code}"`)),
  );
}

/** Sorts paths by tag, then by path, so that the order does not change when modules move. */
function inOrder(paths: OpenAPIObject['paths']): OpenAPIObject['paths'] {
  const tags = Object.keys(apiTags);
  const placeOf = (path: object): number =>
    Math.min(...(Object.values(path) as Operation[]).map((each) => tags.indexOf(each.tags?.[0] ?? '')));
  return Object.fromEntries(
    Object.entries(paths).sort(
      ([name, path], [otherName, other]) => placeOf(path) - placeOf(other) || compare(name, otherName),
    ),
  );
}

function sorted<Value>(values: Readonly<Record<string, Value>>): Record<string, Value> {
  return Object.fromEntries(Object.entries(values).sort(([a], [b]) => compare(a, b)));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
