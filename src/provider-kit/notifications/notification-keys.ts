import { Injectable } from '@nestjs/common';
import { PublicJsonClient } from '../client/public-json-client.js';
import type { ProviderDefinition } from '../definition/provider-definition.js';

/** Keys are asked for again at most this often, in milliseconds: a notification with a made-up key id costs nothing. */
const refetchPauseMs = 60_000;
/** As long as there are none, they are asked for at most this often, in milliseconds. */
const failurePauseMs = 5_000;
/** After this time they are read again, in milliseconds: the provider may have withdrawn one. */
const maxAgeMs = 86_400_000;

interface Fetch {
  readonly document: Promise<unknown>;
  readonly startedAtMs: number;
  isPending: boolean;
}

/** The documents with the keys that providers sign notifications with. Each is fetched when it is first needed. */
@Injectable()
export class NotificationKeys {
  private readonly documents = new Map<string, { readonly document: unknown; readonly readAtMs: number }>();
  /** The last fetch of each, which may have failed. */
  private readonly fetches = new Map<string, Fetch>();

  constructor(private readonly client: PublicJsonClient) {}

  /**
   * Returns the document at a URL, from memory if it is there. An old one counts as long as no newer one can be read.
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
   * @throws a provider error when it cannot be read: the document that is known stays
   */
  async getAgain(definition: ProviderDefinition, url: string): Promise<unknown> {
    const last = this.fetches.get(url);
    const isRecent = last?.isPending === false && performance.now() - last.startedAtMs < refetchPauseMs;
    return isRecent ? undefined : this.load(definition, url, refetchPauseMs);
  }

  /** Returns what the last fetch brings if it runs, or has started within the pause; otherwise starts another one. */
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
