import { randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import { z } from 'zod';
import type { ExportedGrant } from '../tokens/freeze/connection-exporter.js';
import type { RecipientOpener, RecipientSeal } from '../vault/recipient-envelope.js';
import { readLines } from './lines.js';

const typ = 'cufflink-export+jwe';
const version = 1;
/** A page of connections with large tokens, encrypted. */
const maxLineBytes = 32 * 1024 * 1024;

const headerSchema = z.object({ typ: z.literal(typ), v: z.literal(version), export: z.string(), n: z.number() });
const lineSchema = z.union([
  z.strictObject({ connections: z.array(z.unknown()) }),
  z.strictObject({ end: z.literal(true), total: z.number() }),
]);

/**
 * Writes the lines of a sealed export. Each line is one JWE over a page of connections. Its authenticated header has
 * the id of the export and the number of the line. So no line can be left out, repeated or taken from another export.
 * The last line says how many connections there are.
 */
export class SealedLines {
  private readonly id = randomUUID();
  private lines = 0;
  private total = 0;

  constructor(private readonly seal: RecipientSeal) {}

  /** Returns the line of a page. */
  page(grants: readonly ExportedGrant[]): Promise<string> {
    this.total += grants.length;
    return this.write({ connections: grants.map(toRow) });
  }

  /** Returns the last line. */
  end(): Promise<string> {
    return this.write({ end: true, total: this.total });
  }

  private async write(value: z.output<typeof lineSchema>): Promise<string> {
    const header = { typ, v: version, export: this.id, n: this.lines };
    this.lines += 1;
    return `${await this.seal.seal(value, header)}\n`;
  }
}

/** A row of a sealed export, unchecked. */
interface SealedRecord {
  readonly record: unknown;
  readonly number: number;
  readonly bytes: number;
}

/**
 * Reads the rows of a sealed export.
 *
 * @throws RecipientEnvelopeError when a line does not open
 * @throws Error when a line is missing or out of order; the rows before it were returned
 */
export async function* readSealedLines(input: Readable, opener: RecipientOpener): AsyncGenerator<SealedRecord, void> {
  let rows = 0;
  let exportId: string | undefined;
  let hasEnded = false;
  for await (const { number, text, bytes } of readLines(input, maxLineBytes)) {
    const { value, header } = await opener.open(text);
    const checkedHeader = headerSchema.safeParse(header);
    const line = lineSchema.safeParse(value);
    if (!checkedHeader.success || !line.success) {
      throw new Error(`Line ${number} is not of an export that this version can read.`);
    }
    exportId ??= checkedHeader.data.export;
    if (checkedHeader.data.export !== exportId || checkedHeader.data.n !== number - 1 || hasEnded) {
      throw new Error(`Line ${number} is missing, repeated, or of another export. Copy the file again.`);
    }
    if ('end' in line.data) {
      hasEnded = line.data.total === rows;
    } else {
      for (const record of line.data.connections) {
        rows += 1;
        yield { record, number: rows, bytes };
      }
    }
  }
  if (!hasEnded) {
    throw new Error('The file is not complete: its last line is missing. Copy the file again.');
  }
}

function toRow({ userId, provider, registrationId, tokens, scopesRequested, metadata }: ExportedGrant): object {
  const hasAccess = tokens.accessToken !== '';
  return {
    user_id: userId,
    provider,
    registration_id: registrationId,
    access_token: hasAccess ? tokens.accessToken : undefined,
    refresh_token: tokens.refreshToken,
    token_secret: tokens.tokenSecret,
    spare_refresh_token: tokens.spareRefreshToken,
    expires_at: hasAccess ? tokens.expiresAt : undefined,
    refresh_expires_at: tokens.refreshExpiresAt,
    issued_at: tokens.obtainedAt,
    scopes: tokens.grantedScopes,
    scopes_requested: scopesRequested,
    provider_user_id: tokens.providerUserId,
    former_user_id: tokens.formerUserId,
    must_name_user: tokens.mustNameUser,
    metadata,
  };
}
