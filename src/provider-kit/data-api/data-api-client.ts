import { Injectable } from '@nestjs/common';
import { ProviderHttpClient } from '../http/http-client.js';

/**
 * Sends callers' own requests to providers' data APIs, over connections apart from those of tokens: however many, slow
 * or large they are, no refresh waits for them (NET-04). The limits also bound how many responses of one host arrive at
 * once and how many bodies wait; responses that have arrived are their caller's to bound.
 */
@Injectable()
export class DataApiClient extends ProviderHttpClient {
  protected override readonly connections = 16;
  protected override readonly maxWaiting = 200;
}
