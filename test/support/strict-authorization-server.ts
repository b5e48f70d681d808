import { randomBytes } from 'node:crypto';
import {
  startRecordingServer,
  type PreparedResponse,
  type RecordedRequest,
  type RecordingServer,
} from '../../src/provider-kit/testing/recording-server.js';

/** The fields of a sound token response. */
export type TokenFields = Readonly<
  Record<'access_token' | 'refresh_token' | 'token_type' | 'scope' | 'user_id', string>
> & {
  readonly expires_in: number;
};

/** Responses to the next calls of the token endpoint. */
export interface StagedResponse {
  /** Whether the call is carried out all the same: the code or refresh token is spent, and new tokens are issued. */
  readonly isDone: boolean;
  readonly render: (fields: TokenFields) => PreparedResponse;
}

interface Family {
  readonly userId: string;
  isAlive: boolean;
  refreshToken: string;
  accessToken: string;
}

/**
 * An authorization server that rotates refresh tokens and ends the whole family of tokens when a spent one, or a spent
 * code, comes back. Its responses can be staged byte by byte; what it does cannot.
 */
export class StrictAuthorizationServer {
  #server: RecordingServer | undefined;
  readonly #codes = new Map<string, Family | undefined>();
  readonly #families = new Map<string, Family>();
  #staged: StagedResponse | undefined;
  /** How often a code or refresh token came that was spent before. */
  reuses = 0;

  async start(): Promise<void> {
    this.#server = await startRecordingServer((request) => this.#response(request));
  }

  async stop(): Promise<void> {
    await this.#server?.close();
  }

  get url(): string {
    return this.#server?.url ?? '';
  }

  /** Issues a code, as the consent page would. */
  issueCode(): string {
    const code = randomBytes(12).toString('hex');
    this.#codes.set(code, undefined);
    return code;
  }

  /** Responds to calls of the token endpoint in this way, until {@link behave}. */
  stage(response: StagedResponse): void {
    this.#staged = response;
  }

  behave(): void {
    this.#staged = undefined;
  }

  isLiveAccessToken(token: string): boolean {
    return [...this.#families.values()].some(({ isAlive, accessToken }) => isAlive && accessToken === token);
  }

  /** How often this value was sent as a code or refresh token. */
  timesSent(credential: string): number {
    const requests = this.#server?.requests ?? [];
    return requests.filter(({ body }) => [...new URLSearchParams(body).values()].includes(credential)).length;
  }

  #response({ body }: RecordedRequest): PreparedResponse {
    const form = new URLSearchParams(body);
    const staged = this.#staged;
    if (staged?.isDone === false) {
      return staged.render(
        fieldsOf({ userId: '', isAlive: false, refreshToken: 'not-issued', accessToken: 'not-issued' }),
      );
    }
    const family = form.get('grant_type') === 'refresh_token' ? this.#rotate(form) : this.#redeem(form);
    return family === undefined
      ? { status: 400, headers: { 'content-type': 'application/json' }, body: '{"error":"invalid_grant"}' }
      : (staged?.render ?? plain)(fieldsOf(family));
  }

  #redeem(form: URLSearchParams): Family | undefined {
    const code = form.get('code') ?? '';
    const before = this.#codes.get(code);
    if (before !== undefined) {
      this.reuses += 1;
      before.isAlive = false;
    }
    if (before !== undefined || !this.#codes.has(code)) {
      return undefined;
    }
    const family = { userId: `account-${this.#codes.size}`, isAlive: true, refreshToken: '', accessToken: '' };
    this.#codes.set(code, family);
    return this.#issue(family);
  }

  #rotate(form: URLSearchParams): Family | undefined {
    const token = form.get('refresh_token') ?? '';
    const family = this.#families.get(token);
    if (family !== undefined && family.refreshToken !== token) {
      this.reuses += 1;
      family.isAlive = false;
    }
    return family?.isAlive === true ? this.#issue(family) : undefined;
  }

  #issue(family: Family): Family {
    family.refreshToken = `rt-${randomBytes(12).toString('hex')}`;
    family.accessToken = `at-${randomBytes(12).toString('hex')}`;
    this.#families.set(family.refreshToken, family);
    return family;
  }
}

function fieldsOf({ accessToken, refreshToken, userId }: Family): TokenFields {
  return {
    access_token: accessToken,
    refresh_token: refreshToken,
    token_type: 'Bearer',
    expires_in: 3600,
    scope: 'activity sleep',
    user_id: userId,
  };
}

function plain(fields: TokenFields): PreparedResponse {
  return { headers: { 'content-type': 'application/json' }, body: JSON.stringify(fields) };
}
