import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { ApiRefusal, CufflinkApi } from './cufflink-api.js';
import { refusalResult, type DemoResult } from './demo-result.js';
import { lifetimeText } from './lifetime-text.js';
import { SandboxControl, type Fake } from './sandbox-control.js';

/** The connection that a button is about. */
interface Target {
  readonly userId: string;
  readonly provider: string;
  readonly fake: Fake | undefined;
}

type Act = (target: Target) => Promise<DemoResult>;

/** The actions behind the buttons of a connection. */
@Injectable()
export class DemoActions {
  private readonly acts: Readonly<Record<string, Act>> = {
    token: (target) => this.showToken(target),
    call: (target) => this.callProvider(target),
    refresh: (target) => this.refresh(target),
    disconnect: (target) => this.disconnect(target),
    withdraw: (target) => this.withdraw(target),
    outage: (target) => this.startOutage(target),
    recover: (target) => this.endOutage(target),
  };

  constructor(
    private readonly api: CufflinkApi,
    private readonly sandbox: SandboxControl,
  ) {}

  /** Carries out the action of a button. A refusal of Cufflink is a result too. */
  async run(action: string, userId: string, provider: string): Promise<DemoResult> {
    const act = Object.hasOwn(this.acts, action) ? this.acts[action] : undefined;
    if (act === undefined) {
      return { tone: 'bad', text: 'There is no such button.' };
    }
    try {
      return await act({ userId, provider, fake: (await this.sandbox.list()).get(provider) });
    } catch (error) {
      if (!(error instanceof ApiRefusal)) {
        throw error;
      }
      return refusalResult(error);
    }
  }

  private async showToken({ userId, provider }: Target): Promise<DemoResult> {
    const { fingerprint, expires_at: expiresAt, line } = await this.api.readToken(userId, provider);
    return {
      tone: 'good',
      text: 'Cufflink returned an access token that works. This page shows only what names it.',
      call: line,
      facts: [
        ['Fingerprint', fingerprint],
        ['Lifetime', lifetimeText(expiresAt, Date.now())],
      ],
    };
  }

  private async callProvider({ userId, provider, fake }: Target): Promise<DemoResult> {
    const { status, body, line } = await this.api.callProvider(userId, provider, fake?.tryPath ?? '/');
    return {
      tone: status < 400 ? 'good' : 'bad',
      text:
        status < 400
          ? 'The provider responded. Cufflink added the token, and this application never saw it.'
          : `The provider refused the call with ${status}.`,
      call: line,
      json: JSON.stringify(body, null, 2),
    };
  }

  private async refresh({ userId, provider }: Target): Promise<DemoResult> {
    const { line } = await this.api.refresh(userId, provider);
    return { tone: 'good', text: 'The token was refreshed. Its fingerprint is another one now.', call: line };
  }

  private async disconnect({ userId, provider }: Target): Promise<DemoResult> {
    const { body, line } = await this.api.unlink(userId, provider);
    const outcome = z.object({ provider_revocation: z.string() }).safeParse(body).data?.provider_revocation;
    const text = 'The device is disconnected, and its tokens are erased.';
    return { tone: 'good', text, call: line, facts: [['Grant at the provider', outcome ?? 'unknown']] };
  }

  private async withdraw({ userId, provider, fake }: Target): Promise<DemoResult> {
    if (fake === undefined) {
      return notFake();
    }
    // The provider knows the account. This application learns it as it learns everything: through the proxy.
    const { body } = await this.api.callProvider(userId, provider, fake.tryPath);
    const account = z.object({ account_id: z.string() }).safeParse(body).data?.account_id;
    if (account === undefined) {
      return { tone: 'bad', text: `${fake.displayName} does not accept the token, so consent has ended already.` };
    }
    const isNotified = await this.sandbox.withdraw(fake, account);
    return {
      tone: 'neutral',
      text: isNotified
        ? `The user withdrew consent at ${fake.displayName}, which has told Cufflink. If that proves the end, the ` +
          'connection ends now. Otherwise Cufflink checks it. Press "Look again".'
        : `The user withdrew consent at ${fake.displayName}, which tells nobody. Press "Refresh" or "Call": Cufflink ` +
          'notices it then. It ends a connection after a second refusal some minutes later.',
    };
  }

  private async startOutage({ fake }: Target): Promise<DemoResult> {
    if (fake === undefined) {
      return notFake();
    }
    await this.sandbox.startOutage(fake);
    return {
      tone: 'neutral',
      text:
        `${fake.displayName} responds with 503 until you end the outage. "Refresh" fails now, ` +
        'and "Show token" still returns the token that works.',
    };
  }

  private async endOutage({ fake }: Target): Promise<DemoResult> {
    if (fake === undefined) {
      return notFake();
    }
    await this.sandbox.endOutage(fake);
    return { tone: 'good', text: `${fake.displayName} is back.` };
  }
}

function notFake(): DemoResult {
  return { tone: 'bad', text: 'This is the real provider. The demo can order only fake ones about.' };
}
