import { Injectable } from '@nestjs/common';
import { PublicJsonClient } from '../client/public-json-client.js';
import type { ProviderDefinition } from '../definition/provider-definition.js';

/** Least pause between fetches of keys, in milliseconds, so that notifications with made-up key ids cost nothing. */
const refetchPauseMs = 60_000;
/** The same while there are no keys yet. */
const failurePauseMs = 5_000;
/** Greatest age of keys, in milliseconds: the provider may have withdrawn one. */
const maxAgeMs = 86_400_000;

interface Fetch {
  readonly document: Promise<unknown>;
  readonly startedAtMs: number;
  isPending: boolean;
}

/** The documents with the keys of providers' notifications. Each is fetched when it is first needed. */
@Injectable()
export class NotificationKeys {
  private readonly documents = new Map<string, { readonly document: unknown; readonly readAtMs: number }>();
  /** The last fetch of each document, which may have failed. */
  private readonly fetches = new Map<string, Fetch>();

  constructor(private readonly client: PublicJsonClient) {}

  /**
   * Returns the document at a URL, from memory if possible. An old one is used as long as no newer one can be read.
   *
   * @throws a provider error when it cannot be read
   */
  async get(definition: ProviderDefinition, url: string): Promise<unknown> {
    const known = this.documents.get(url);
    if (known === undefined) {
      return this.load(definition, url, failurePauseMs);
    }
    return performance.now() - known.readAtMs < maxAgeMs
      ? known.document
      : this.load(definition, url, refetchPauseMs).catch(() => known.document);
  }

  /**
   * Fetches the document again because it lacks a key; `undefined` if that was tried a moment ago.
   *
   * @throws a provider error when it cannot be read; the document in memory stays
   */
  async getAgain(definition: ProviderDefinition, url: string): Promise<unknown> {
    const last = this.fetches.get(url);
    const isRecent = last?.isPending === false && performance.now() - last.startedAtMs < refetchPauseMs;
    return isRecent ? undefined : this.load(definition, url, refetchPauseMs);
  }

  /** Returns the last fetch if it still runs, or started within the pause; otherwise starts another one. */
  private load(definition: ProviderDefinition, url: string, pauseMs: number): Promise<unknown> {
    const last = this.fetches.get(url);
    if (last !== undefined && (last.isPending || performance.now() - last.startedAtMs < pauseMs)) {
      return last.document;
    }
    const document = this.client.getPublicJson(definition, url);
    const started: Fetch = { document, startedAtMs: performance.now(), isPending: true };
    this.fetches.set(url, started);
    document.then(
      (read) => {
        started.isPending = false;
        this.documents.set(url, { document: read, readAtMs: started.startedAtMs });
      },
      () => {
        started.isPending = false;
      },
    );
    return document;
  }
}
