import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { DemoPlace } from './demo-place.js';

const timeoutMs = 10_000;

/** The endpoints without which a provider counts as down. */
const outageEndpoints: readonly string[] = ['token', 'refresh', 'request_token', 'access_token', 'account', 'api'];

const fakeSchema = z.object({
  slug: z.string(),
  displayName: z.string(),
  tryPath: z.string(),
  endpoints: z.array(z.string()),
  misbehaving: z.array(z.string()),
  notifications: z.array(z.string()),
});

/** A fake provider, as the sandbox describes it. */
export type Fake = z.infer<typeof fakeSchema>;

/** Controls the fake providers: a press triggers an event that a real provider causes on its own. */
@Injectable()
export class SandboxControl {
  constructor(private readonly place: DemoPlace) {}

  /** Returns the fakes by their slug. */
  async list(): Promise<ReadonlyMap<string, Fake>> {
    const { providers } = z.object({ providers: z.array(fakeSchema) }).parse(await this.send('GET', ''));
    return new Map(providers.map((fake) => [fake.slug, fake]));
  }

  /**
   * The user withdraws consent at the provider.
   *
   * @returns whether the provider has told Cufflink of it
   */
  async withdraw({ slug, notifications }: Fake, account: string): Promise<boolean> {
    const notifies = notifications.includes('deauthorized');
    const url = `${this.place.get().apiUrl}/v1/hooks/${slug}`;
    const notify = { url, kind: 'deauthorized', accounts: [account] };
    await this.send('POST', `/${slug}`, { revokeGrant: account, ...(notifies ? { notify } : {}) });
    return notifies;
  }

  /** From now on the provider responds with 503. */
  async startOutage({ slug, endpoints }: Fake): Promise<void> {
    for (const endpoint of endpoints.filter((each) => outageEndpoints.includes(each))) {
      await this.send('POST', `/${slug}`, { misbehave: { endpoint, type: 'status', code: 503 }, times: 'forever' });
    }
  }

  async endOutage({ slug }: Fake): Promise<void> {
    await this.send('POST', `/${slug}`, { behave: true });
  }

  private async send(method: string, path: string, order?: object): Promise<unknown> {
    const response = await fetch(`${this.place.get().sandboxUrl}/_control${path}`, {
      method,
      ...(order === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(order) }),
      signal: AbortSignal.timeout(timeoutMs),
    });
    const text = await response.text();
    if (!response.ok) {
      throw new Error(`The sandbox refuses an order with ${response.status}: ${text}`);
    }
    return JSON.parse(text) as unknown;
  }
}
