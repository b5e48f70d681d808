import { pathPiece } from './path.js';
import { send, type TransportOptions } from './transport.js';

/** A path that a URL parser would shorten or read as another host: a dot segment, a backslash, an empty first piece. */
const movesAway = /(?:^|\/)(?:\.|%2e){1,2}(?:[/?#]|$)|\\|^\/\/|^[a-z][a-z0-9+.-]*:\/\/|[\t\r\n]/i;

/** Calls of one provider's API for one user. */
export class ProviderProxy {
  readonly #base: string;
  readonly #transport: TransportOptions;

  constructor(baseUrl: string, userId: string, provider: string, transport: TransportOptions) {
    this.#base = `${baseUrl}/v1/users/${pathPiece(userId)}/connections/${pathPiece(provider)}/proxy/`;
    this.#transport = transport;
  }

  /**
   * Calls the provider's API, as `fetch` does. Cufflink adds the user's token.
   *
   * @param path - path and query below the base URL of the provider's API, percent-encoded, such as `/cycle?limit=10`
   * @param init - as for `fetch`; a body is sent unchanged
   * @returns the provider's response, with any status
   * @throws CufflinkError if there is no response of the provider; `TypeError` if the path leads elsewhere
   */
  readonly fetch = async (path: string, init?: RequestInit): Promise<Response> => {
    if (movesAway.test(path)) {
      throw new TypeError("The path must be below the base URL of the provider's API.");
    }
    return send(new Request(this.#base + path.replace(/^\//, ''), init), this.#transport);
  };
}
