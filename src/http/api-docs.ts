import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { OpenAPIObject } from '@nestjs/swagger';
import type { FastifyInstance } from 'fastify';
import { dump } from 'js-yaml';

/** One document, with its validator. */
interface Document {
  readonly type: string;
  readonly bytes: Buffer;
  readonly etag: string;
}

/** Content of the page: its own scripts, and the styles that they write. */
const pagePolicy =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; " +
  "frame-ancestors 'none'";

const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Cufflink API</title>
<link rel="icon" type="image/png" href="/docs/favicon-32x32.png">
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
`;

const startScript = "SwaggerUIBundle({ url: '/docs-json', dom_id: '#swagger-ui', deepLinking: true });\n";

/** Files of Swagger UI that the page uses. */
const interfaceFiles = {
  'favicon-32x32.png': 'image/png',
  'swagger-ui.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
};

/**
 * Adds the routes of the API description: a page, JSON and YAML. Each document is made for its first request and then
 * kept. Most processes never send one. A later request costs no more than sending the bytes.
 *
 * Each response has a strong `ETag`, and a request that names it gets 304 (RFC 9110 section 13.1.2).
 *
 * @param describe - makes the description; called once, or never
 */
export function addApiDocs(fastify: FastifyInstance, describe: () => OpenAPIObject): void {
  for (const [path, make] of documentsOf(once(describe))) {
    const document = once(make);
    // Open to everybody, and counted for the caller's address.
    fastify.get(path, { config: { addressRule: 'page' } }, (request, reply) => {
      const { type, bytes, etag } = document();
      void reply.headers({ etag, 'cache-control': 'no-cache', 'content-security-policy': pagePolicy });
      return namesTag(request.headers['if-none-match'], etag) ? reply.status(304).send() : reply.type(type).send(bytes);
    });
  }
}

function documentsOf(description: () => OpenAPIObject): readonly (readonly [string, () => Document])[] {
  const folder = new URL('.', `file://${createRequire(import.meta.url).resolve('swagger-ui-dist/package.json')}`);
  const html = (): Document => toDocument('text/html; charset=utf-8', page);
  const yaml = (): string => dump(description(), { skipInvalid: true, noRefs: true });
  return [
    ['/docs', html],
    ['/docs/', html],
    ['/docs/start.js', () => toDocument('text/javascript; charset=utf-8', startScript)],
    ['/docs-json', () => toDocument('application/json; charset=utf-8', JSON.stringify(description()))],
    ['/docs-yaml', () => toDocument('text/yaml; charset=utf-8', yaml())],
    ...Object.entries(interfaceFiles).map(
      ([name, type]) => [`/docs/${name}`, () => toDocument(type, readFileSync(new URL(name, folder)))] as const,
    ),
  ];
}

function toDocument(type: string, content: string | Buffer): Document {
  const bytes = Buffer.from(content);
  return { type, bytes, etag: `"${createHash('sha256').update(bytes).digest('base64url')}"` };
}

/** Returns a function that makes a value at its first call, and returns the same value at every call. */
function once<Value>(make: () => Value): () => Value {
  let made: { readonly value: Value } | undefined;
  return () => (made ??= { value: make() }).value;
}

function namesTag(header: string | undefined, etag: string): boolean {
  return header?.split(',').some((each) => each.trim().replace(/^W\//, '') === etag) === true;
}
