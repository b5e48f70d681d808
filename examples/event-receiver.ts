/**
 * A receiver of events. Its endpoint is added with `POST /v1/webhook-endpoints`, which shows the signing secret once.
 */
import { createServer, type IncomingMessage } from 'node:http';
import { verifyWebhook, WebhookVerificationError, type CufflinkEvent } from '@cufflink/client';

const { CUFFLINK_WEBHOOK_SECRET = '', PORT = '8080' } = process.env;
const maxBodyBytes = 64 * 1024;

/** In place of a table with a unique `id`. A delivery may come twice. */
const stored = new Map<string, CufflinkEvent>();

const server = createServer((request, response) => {
  receive(request).then(
    (status) => response.writeHead(status).end(),
    (error: unknown) => {
      process.stderr.write(`${String(error)}\n`);
      // Cufflink repeats the delivery later.
      response.writeHead(500).end();
    },
  );
});

async function receive(request: IncomingMessage): Promise<number> {
  const body = await readBody(request);
  if (body === undefined) {
    return 413;
  }
  let event: CufflinkEvent;
  try {
    // The signature is over these bytes. JSON that was parsed and written again would not verify.
    event = verifyWebhook(CUFFLINK_WEBHOOK_SECRET, body, request.headers);
  } catch (error) {
    if (error instanceof WebhookVerificationError) {
      return 401;
    }
    throw error;
  }
  if (!stored.has(event.id)) {
    stored.set(event.id, event);
    // Respond first, work later: Cufflink waits for 15 seconds.
    setImmediate(() => handle(event));
  }
  return 204;
}

/** Reads the body as bytes; `undefined` if it is too large. */
async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > maxBodyBytes) {
      return undefined;
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Later versions have more types of events. Those that you do not know are none of your business. */
function handle({ type, data }: CufflinkEvent): void {
  if (type === 'connection.needs_relink') {
    process.stdout.write(`${data.user_id} must link ${data.provider} again: ${data.reason}\n`);
  } else if (type === 'connection.expiring') {
    process.stdout.write(`${data.user_id} should link ${data.provider} again before ${data.expires_at}\n`);
  } else if (type === 'data.available') {
    process.stdout.write(`${data.user_id} has new data at ${data.provider}\n`);
  }
}

server.listen(Number(PORT), 'localhost', () => process.stdout.write(`Listening on http://localhost:${PORT}\n`));
