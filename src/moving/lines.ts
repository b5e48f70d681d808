import type { Readable } from 'node:stream';

/** A line of a file, with its number from 1 and the number of bytes up to its end. */
export interface Line {
  readonly number: number;
  readonly text: string;
  readonly bytes: number;
}

/**
 * Splits a stream into lines, and keeps no more than one line and one chunk in memory.
 *
 * @param maxBytes - a longer line ends the reading: it is no row, and would fill the memory
 * @throws Error when a line is longer
 */
export async function* readLines(input: Readable, maxBytes: number): AsyncGenerator<Line, void> {
  let number = 0;
  let bytes = 0;
  let rest: Buffer = Buffer.alloc(0);
  const toLine = (line: Buffer): Line => {
    number += 1;
    return { number, text: line.toString('utf8').replace(/\r$/, ''), bytes };
  };
  for await (const chunk of input as AsyncIterable<Buffer>) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let start = 0;
    for (let end = rest.indexOf(10); end !== -1; end = rest.indexOf(10, start)) {
      bytes += end + 1 - start;
      yield toLine(rest.subarray(start, end));
      start = end + 1;
    }
    rest = rest.subarray(start);
    if (rest.length > maxBytes) {
      throw new Error(`Line ${number + 1} is longer than ${maxBytes} bytes.`);
    }
  }
  if (rest.length > 0) {
    bytes += rest.length;
    yield toLine(rest);
  }
}
