import { Injectable } from '@nestjs/common';
import { ProviderHttpClient } from './http-client.js';

/**
 * Sends callers' own requests to providers' data APIs, over connections apart from those of tokens: however many, slow or large they
 * are, no refresh waits for them (NET-04). The limits also bound the memory
 * that answers take, which are held whole, and bodies that wait.
 */
@Injectable()
export class DataApiClient extends ProviderHttpClient {
  protected override readonly connections = 16;
  protected override readonly maxWaiting = 200;
}
