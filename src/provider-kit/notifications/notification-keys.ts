import { Injectable } from '@nestjs/common';
import { PublicJsonClient } from '../client/public-json-client.js';
import type { ProviderDefinition } from '../definition/provider-definition.js';

/** Keys are asked for again at most this often, in milliseconds: a notification with a made-up key id costs nothing. */
const refetchPauseMs = 60_000;

interface Fetched {
  readonly atMs: number;
  readonly document: Promise<unknown>;
}

/** The documents with the keys that providers sign notifications with. Each is fetched when it is first needed. */
@Injectable()
export class NotificationKeys {
  private readonly documents = new Map<string, Fetched>();

  constructor(private readonly client: PublicJsonClient) {}

  /**
   * Returns the document at a URL, from memory if it is there.
   *
   * @throws a provider error when it cannot be read
   */
  async get(definition: ProviderDefinition, url: string): Promise<unknown> {
    const known = this.documents.get(url);
    return known === undefined ? this.read(definition, url) : known.document;
  }

  /**
   * Fetches the document again because it lacks a key; `undefined` if that was tried a moment ago.
   *
   * @throws a provider error when it cannot be read
   */
  async getAgain(definition: ProviderDefinition, url: string): Promise<unknown> {
    const known = this.documents.get(url);
    return known !== undefined && performance.now() - known.atMs < refetchPauseMs
      ? undefined
      : this.read(definition, url);
  }

  private read(definition: ProviderDefinition, url: string): Promise<unknown> {
    const document = this.client.getPublicJson(definition, url);
    const fetched = { atMs: performance.now(), document };
    this.documents.set(url, fetched);
    // A failure is not remembered: the provider sends the notification again.
    document.catch(() => this.documents.get(url) === fetched && this.documents.delete(url));
    return document;
  }
}
