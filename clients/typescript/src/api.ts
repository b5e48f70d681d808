import createClient, { type Client } from 'openapi-fetch';
import type { components, paths } from './generated/api.js';
import { fillPath } from './path.js';
import { send, type TransportOptions } from './transport.js';

/** Every call of the API, with types: `api.GET('/v1/providers')`. Errors are thrown, so `data` is always there. */
export type CufflinkApi = Client<paths>;

/** The shapes of the API, by name. */
export type Schemas = components['schemas'];

/** Makes the client of all calls. */
export function createApi(baseUrl: string, transport: TransportOptions): CufflinkApi {
  return createClient<paths>({
    baseUrl,
    fetch: (request) => send(request, transport),
    pathSerializer: fillPath,
    querySerializer: { object: { style: 'form', explode: true } },
  });
}

/** Waits for a call and returns its body. */
export async function dataOf<Data>(call: Promise<{ data?: Data }>): Promise<NonNullable<Data>> {
  const { data } = await call;
  if (data === undefined || data === null) {
    throw new TypeError('The response has no body.');
  }
  return data;
}
