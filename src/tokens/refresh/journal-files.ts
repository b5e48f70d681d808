import { Inject, Injectable } from '@nestjs/common';
import { tokensConfig, type TokensConfig } from '../tokens.config.js';
import { JournalSegments } from './journal-segments.js';
import { KeptEntries } from './kept-entries.js';

/** The files of the journal, both `undefined` without `REFRESH_JOURNAL_DIRECTORY`. */
@Injectable()
export class JournalFiles {
  /** Entries whose token sets are all committed. */
  readonly kept: KeptEntries | undefined;
  /** Entries that this process writes. A file whose entries are all forgotten is kept. */
  readonly segments: JournalSegments | undefined;

  constructor(@Inject(tokensConfig.KEY) { journalDirectory, journalKeeping }: TokensConfig) {
    if (journalDirectory !== undefined) {
      const kept = new KeptEntries(journalDirectory, journalKeeping);
      this.kept = kept;
      this.segments = new JournalSegments(journalDirectory, (file) => kept.keep(file));
    }
  }
}
