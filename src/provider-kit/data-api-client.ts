import { Injectable } from '@nestjs/common';
import { ProviderHttpClient } from './http-client.js';

/**
 * Sends callers' own requests to providers' data APIs, over connections apart from those of tokens: however many, slow or large they
 * are, no refresh waits for them (NET-04). The limit also bounds the memory that answers take, which are held whole.
 */
@Injectable()
export class DataApiClient extends ProviderHttpClient {
  protected override readonly connections = 16;
}
