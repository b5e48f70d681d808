import { callerWaitMs } from '../../../src/tokens/policy/caller-wait.js';
import type { CheckedConnection, IssuedToken, TokenCall } from '../../support/history-checker.js';
import type { FaultDatabase } from './fault-database.js';
import type { MachineWatch } from './machine-watch.js';
import type { Replica } from './replica.js';

/** A connection of a scenario. */
export interface FaultConnection extends CheckedConnection {
  readonly slug: string;
}

/** A response to a caller. */
export interface CallerResponse {
  /** 0 when the connection broke. */
  readonly status: number;
  readonly accessToken: string | undefined;
  /** Of an error. */
  readonly code: string | undefined;
}

/** A replica, or an instance in this process. */
export type Asked = Pick<Replica, 'api'> & Partial<Pick<Replica, 'disturbedAtMs'>>;

/** The company's services: they ask for tokens, and remember each response for the history checker. */
export class TokenCallers {
  readonly issuedTokens: IssuedToken[] = [];
  readonly calls: TokenCall[] = [];
  /** Calls for a token that got no response, by user. */
  readonly unanswered = new Map<string, number>();

  constructor(
    private readonly database: Pick<FaultDatabase, 'disturbedAtMs'>,
    private readonly machine: Pick<MachineWatch, 'stoodStillAtMs'>,
  ) {}

  /** Asks a replica for the token, and remembers the response. */
  async ask(replica: Asked, connection: FaultConnection): Promise<CallerResponse> {
    const { userId, slug } = connection;
    const askedAtMs = Date.now();
    try {
      const response = await replica.api.get(`${pathOf(connection)}/token`);
      const receivedAtMs = Date.now();
      const { access_token: accessToken, code } = response.body as { access_token?: string; code?: string };
      if (accessToken !== undefined) {
        this.issuedTokens.push({ userId, provider: slug, accessToken, askedAtMs, receivedAtMs });
      }
      const { stoodStillAtMs } = this.machine;
      if (Math.max(replica.disturbedAtMs ?? -Infinity, this.database.disturbedAtMs, stoodStillAtMs) < askedAtMs) {
        const { status } = response;
        this.calls.push({ userId, provider: slug, askedAtMs, receivedAtMs, status, code });
      }
      return { status: response.status, accessToken, code };
    } catch {
      this.unanswered.set(userId, (this.unanswered.get(userId) ?? 0) + 1);
      return { status: 0, accessToken: undefined, code: undefined };
    }
  }
}

/**
 * Returns the responses without a token that are not excused: a caller waits only so long for a refresh, and an old
 * token is issued only while the database is there. A machine that takes longer to restart it shows 503.
 *
 * @param askedAtMs - by `performance.now`
 */
export function findWithoutToken(responses: readonly CallerResponse[], askedAtMs: number): CallerResponse[] {
  const isLate = performance.now() - askedAtMs > callerWaitMs(Infinity);
  return responses.filter(({ status }) => status !== 200 && !(isLate && status === 503));
}

/** Of a connection in the API. */
export function pathOf({ userId, slug }: Pick<FaultConnection, 'userId' | 'slug'>): string {
  return `/v1/users/${userId}/connections/${slug}`;
}
