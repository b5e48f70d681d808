/**
 * The signed end of a writer's chain. Kept outside the database, it shows when the end of the chain was cut
 * off (LOG-05).
 */
export interface SignedHead {
  readonly writer: number;
  readonly sequence: number;
  /** By `signHead`. */
  readonly signature: Buffer;
}

const pattern = /Audit head: writer (\d{1,10}), entry (\d{1,15}), signature ((?:[0-9a-f]{8}:){7}[0-9a-f]{8})/;

/** Writes a head for the log. Grouped, because the log hides long runs that look like a key. */
export function formatHead({ writer, sequence, signature }: SignedHead): string {
  const groups = signature.toString('hex').match(/.{8}/g) ?? [];
  return `Audit head: writer ${writer}, entry ${sequence}, signature ${groups.join(':')}`;
}

/** Finds the head in a line of a log of any format; `undefined` when there is none. */
export function parseHead(line: string): SignedHead | undefined {
  const [, writer, sequence, signature] = pattern.exec(line) ?? [];
  return signature === undefined
    ? undefined
    : {
        writer: Number(writer),
        sequence: Number(sequence),
        signature: Buffer.from(signature.replaceAll(':', ''), 'hex'),
      };
}
