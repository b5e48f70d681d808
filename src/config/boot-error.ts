import { scrub } from '../redaction/scrub.js';

/** SQLSTATE of a statement about a table that does not exist. */
const undefinedTable = '42P01';

/** SQLSTATE of a named statement that a connection pooler has lost. */
const lostStatements = new Set(['26000', '42P05']);

/** Codes of a database that cannot be reached, rejects our credentials, or does not exist. */
const unreachable = new Set(['ECONNREFUSED', 'ENOTFOUND', 'ETIMEDOUT', 'EAI_AGAIN', '28000', '28P01', '3D000']);

/**
 * Returns the text for the operator when the process cannot start: the message and those of its causes, no stack.
 *
 * @param variable - the one that names the database
 */
export function describeBootError(error: unknown, variable = 'DATABASE_URL'): string {
  const messages: string[] = [];
  for (let each = error; each instanceof Error && messages.length < 4; each = each.cause) {
    if ('code' in each && each.code === undefinedTable) {
      messages.push('The database has no tables yet: run `npm run cli -- migrate` with the same DATABASE_URL.');
    }
    if ('code' in each && typeof each.code === 'string' && unreachable.has(each.code)) {
      messages.push(`The database at ${variable} cannot be opened.`);
    }
    if ('code' in each && typeof each.code === 'string' && lostStatements.has(each.code)) {
      messages.push(
        'A connection pooler loses named statements: PgBouncer needs version 1.21 or later (docs/scale.md).',
      );
    }
    const message = messageOf(each);
    if (message !== '' && !messages.some((earlier) => earlier.includes(message))) {
      messages.push(message);
    }
  }
  return scrub(messages.join(' Cause: ')) || 'The reason is unknown.';
}

/** A connection refused on every address of a name is an error without a message of its own. */
function messageOf(error: Error): string {
  if (error.message === '' && error instanceof AggregateError) {
    return error.errors.map((each) => (each instanceof Error ? each.message : '')).join(', ');
  }
  return error.message;
}
