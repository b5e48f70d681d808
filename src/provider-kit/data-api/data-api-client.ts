import { Injectable } from '@nestjs/common';
import { ProviderHttpClient } from '../http/http-client.js';

/**
 * Sends callers' own requests to providers' data APIs. It has connections of its own. So no refresh waits for these
 * requests, even if they are many, slow or large (NET-04). Its limits also bound the responses of one host that arrive
 * at once, and the bodies that wait. The caller must bound the responses that have arrived.
 */
@Injectable()
export class DataApiClient extends ProviderHttpClient {
  protected override readonly connections = 16;
  protected override readonly maxWaiting = 200;
}
