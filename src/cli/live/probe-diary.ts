import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import type { ProbeMemory } from './probe.js';

const dayMs = 24 * 60 * 60 * 1_000;

const entrySchema = z.object({ askedAt: z.iso.datetime(), documentation: z.string().optional() });
const diarySchema = z.record(z.string(), entrySchema);

/** Remembers in a file when each provider was probed. Once a day is enough, and more would look like an attack. */
export class ProbeDiary {
  private constructor(
    private readonly file: string,
    private readonly entries: Map<string, z.infer<typeof entrySchema>>,
  ) {}

  /** @throws Error when the file exists and cannot be read */
  static async open(file: string): Promise<ProbeDiary> {
    const text = await readFile(file, 'utf8').catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
        return '{}';
      }
      throw error;
    });
    return new ProbeDiary(file, new Map(Object.entries(diarySchema.parse(JSON.parse(text)))));
  }

  /** Returns the instant before which the provider must not be asked again; `undefined` if it may be asked now. */
  blockedUntil(slug: string, now: Date): Date | undefined {
    const askedAt = this.entries.get(slug)?.askedAt;
    const until = askedAt === undefined ? undefined : new Date(Date.parse(askedAt) + dayMs);
    return until !== undefined && until > now ? until : undefined;
  }

  memoryOf(slug: string): ProbeMemory {
    return { documentation: this.entries.get(slug)?.documentation };
  }

  /** Records that a provider is probed. Written before the first request, so that a stopped run counts. */
  async note(slug: string, now: Date, { documentation }: ProbeMemory): Promise<void> {
    const entry = { askedAt: now.toISOString(), ...(documentation === undefined ? {} : { documentation }) };
    this.entries.set(slug, entry);
    await mkdir(dirname(this.file), { recursive: true });
    const next = `${this.file}.next`;
    await writeFile(next, `${JSON.stringify(Object.fromEntries(this.entries), undefined, 2)}\n`, { mode: 0o600 });
    await rename(next, this.file);
  }
}
