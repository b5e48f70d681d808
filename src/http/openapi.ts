import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import { errorActors } from '../errors/error-code.js';
import { problemSchema, problemSchemaName } from './api-problems.decorator.js';

/** Extensions in which the decorators of access say what a call asks of its caller. */
export const scopeExtension = 'x-required-scope';
export const orUserExtension = 'x-or-user';

/** Returns the OpenAPI description of every call. */
export function describeApi(app: INestApplication): OpenAPIObject {
  const document = SwaggerModule.createDocument(app, openApiHead(), {
    operationIdFactory: (controller, method) =>
      lowerFirst(controller.replace(/Controller$/, '')) + method.charAt(0).toUpperCase() + method.slice(1),
  });
  document.components = {
    ...document.components,
    schemas: { ...document.components?.schemas, [problemSchemaName]: problemSchema },
  };
  for (const operation of Object.values(document.paths).flatMap((path) => Object.values(path) as Operation[])) {
    const scope = operation[scopeExtension];
    if (scope !== undefined) {
      const users = operation[orUserExtension] ? ', or the user token of this user' : '';
      const needed = `Needs an API key with the scope \`${scope}\`${users}.`;
      operation.description = operation.description ? `${needed} ${operation.description}` : needed;
    }
  }
  return document;
}

interface Operation {
  description?: string;
  readonly [scopeExtension]?: string;
  readonly [orUserExtension]?: boolean;
}

function openApiHead() {
  return new DocumentBuilder()
    .setTitle('Cufflink')
    .setDescription(
      'Links health devices over OAuth 1.0a and OAuth 2.0 and returns valid tokens. Errors are RFC 9457 problem details: ' +
        `branch on \`code\`; \`act\` says who must act. The codes: ${describeCodes()}.`,
    )
    .setVersion('1')
    .addBearerAuth({
      type: 'http',
      scheme: 'bearer',
      description: 'an API key, or a user token where the call allows it',
    })
    .build();
}

function describeCodes(): string {
  return Object.entries(errorActors)
    .map(([code, actor]) => `\`${code}\` (${actor})`)
    .join(', ');
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
