import { createReadStream } from 'node:fs';
import { parse, CsvError } from 'csv-parse';
import { userIdPattern } from '../http/user-id.js';
import type { RecipientOpener } from '../vault/recipient-envelope.js';
import { readLines } from './lines.js';
import { readNangoRow } from './nango-row.js';
import { plainColumns, readPlainRow, readSealedRow, type ReadRow } from './row.js';
import { readSealedLines } from './sealed-file.js';

/** Longest row, which is the limit of a sealed value. */
const maxRowBytes = 64 * 1024;

/** A row of a file. */
export interface SourceRow {
  /** The line; in a sealed file, the number of the row. From 1. */
  readonly number: number;
  readonly row: ReadRow;
  /** The user and the provider, if these can be read although the row cannot be used. */
  readonly userId: string | undefined;
  /** End of the row in the file, in bytes. */
  readonly bytes: number;
}

/** How a file is read. */
export interface SourceFormat {
  readonly format: 'plain' | 'nango';
  /** For `nango`: the slugs of integrations that have another name here. */
  readonly slugs: ReadonlyMap<string, string>;
  /** Opens a sealed export; then `format` does not matter. */
  readonly opener?: RecipientOpener | undefined;
}

/**
 * Reads the rows of a file. The file is CSV if its name ends with `.csv`. It is an export of Cufflink if there is a key
 * for it. Otherwise it is JSON Lines.
 *
 * @throws Error when the file cannot be read, is cut off, or has a column that is not documented
 */
export async function* readRows(
  path: string,
  { format, slugs, opener }: SourceFormat,
): AsyncGenerator<SourceRow, void> {
  if (opener !== undefined) {
    for await (const { record, number, bytes } of readSealedLines(createReadStream(path), opener)) {
      yield { number, row: readSealedRow(record), userId: userOf(record), bytes };
    }
    return;
  }
  const read = (record: unknown): ReadRow => (format === 'nango' ? readNangoRow(record, slugs) : readPlainRow(record));
  if (/\.csv$/i.test(path)) {
    if (format === 'nango') {
      throw new Error('A file of connections of Nango must be JSON Lines, one connection a line.');
    }
    yield* readCsv(path, read);
    return;
  }
  for await (const { number, text, bytes } of readLines(createReadStream(path), maxRowBytes)) {
    if (text.trim() !== '') {
      const record = parseJson(text);
      const row = record === undefined ? { objection: 'it is no JSON' } : read(record);
      yield { number, row, userId: userOf(record), bytes };
    }
  }
}

async function* readCsv(path: string, read: (record: unknown) => ReadRow): AsyncGenerator<SourceRow, void> {
  const parser = createReadStream(path).pipe(
    parse({ bom: true, columns: checkColumns, info: true, max_record_size: maxRowBytes, skip_empty_lines: true }),
  );
  try {
    for await (const each of parser as AsyncIterable<{ record: Record<string, string>; info: CsvInfo }>) {
      const { metadata, ...fields } = each.record;
      const isEmpty = metadata === undefined || metadata === '';
      const record = isEmpty ? fields : { ...fields, metadata: parseJson(metadata) ?? metadata };
      yield { number: each.info.lines, row: read(record), userId: userOf(record), bytes: each.info.bytes };
    }
  } catch (error) {
    if (error instanceof CsvError) {
      // No cause: the parser's own message may quote the line.
      // eslint-disable-next-line preserve-caught-error
      throw new Error(`The CSV file cannot be read (${error.code}). Check its quotes, and the number of its columns.`);
    }
    throw error;
  }
}

interface CsvInfo {
  readonly lines: number;
  readonly bytes: number;
}

function checkColumns(names: readonly string[]): string[] {
  const known: readonly string[] = plainColumns;
  if (!names.every((name) => known.includes(name)) || !names.includes('user_id') || !names.includes('provider')) {
    throw new Error(
      `The first line of the CSV file must name its columns: user_id, provider, and any of ${plainColumns.slice(2).join(', ')}.`,
    );
  }
  return [...names];
}

/** The parser's own error is dropped, because it quotes the text. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function userOf(record: unknown): string | undefined {
  const user = (record as { user_id?: unknown } | null | undefined)?.user_id;
  return typeof user === 'string' && userIdPattern.test(user) ? user : undefined;
}
