import { createHash, timingSafeEqual } from 'node:crypto';
import { type CallHandler, type ExecutionContext, Injectable, Logger, type NestInterceptor } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { catchError, from, mergeMap, type Observable } from 'rxjs';
import type { AuthenticatedRequest } from '../access/authenticated-request.js';
import { codeOf } from '../errors/app-error.js';
import {
  IdempotencyKeyInProgressError,
  IdempotencyKeyReusedError,
  RequestInvalidError,
} from '../errors/request.errors.js';
import type { SealContext } from '../vault/associated-data.js';
import { VaultService } from '../vault/vault.service.js';
import { IdempotencyStore, type KeyedCall, type StoredCall } from './idempotency-store.js';

const header = 'idempotency-key';
const replayedHeader = 'idempotent-replayed';
const keyPattern = /^[\x21-\x7e]{1,255}$/;

/**
 * Lets a caller repeat a call whose response was lost. The same `Idempotency-Key` and body get the same response for a
 * day, and nothing is done twice. The table holds digests of key and body. The response is sealed, because it may
 * contain secrets.
 */
@Injectable()
export class IdempotencyInterceptor implements NestInterceptor<unknown, unknown> {
  private readonly logger = new Logger(IdempotencyInterceptor.name);

  constructor(
    private readonly store: IdempotencyStore,
    private readonly vault: VaultService,
  ) {}

  async intercept(context: ExecutionContext, next: CallHandler<unknown>): Promise<Observable<unknown>> {
    const http = context.switchToHttp();
    const request = http.getRequest<AuthenticatedRequest>();
    const key = request.headers[header];
    if (key === undefined) {
      return next.handle();
    }
    if (typeof key !== 'string' || !keyPattern.test(key)) {
      throw new RequestInvalidError('Idempotency-Key must be 1 to 255 visible characters, such as a UUID.');
    }
    const bodyHash = sha256([JSON.stringify(request.body ?? null)]);
    const { call, stored } = await this.store.begin(digestOf(request, key), bodyHash);
    if (stored.id !== call.id) {
      const response = await this.replay(stored, bodyHash);
      http.getResponse<FastifyReply>().header(replayedHeader, 'true');
      return from([response]);
    }
    return next.handle().pipe(
      mergeMap((response) => this.keep(call, response)),
      catchError((error: unknown) => this.forget(call, error)),
    );
  }

  /**
   * @throws {@link IdempotencyKeyReusedError} when the body differs
   * @throws {@link IdempotencyKeyInProgressError} when the call has not ended
   */
  private async replay(stored: StoredCall, bodyHash: Buffer): Promise<unknown> {
    if (!timingSafeEqual(stored.bodyHash, bodyHash)) {
      throw new IdempotencyKeyReusedError();
    }
    if (stored.sealed === null) {
      throw new IdempotencyKeyInProgressError();
    }
    return this.vault.open(stored.sealed, toContext(stored));
  }

  /** Keeps the response of a finished call. The caller gets it, even if it cannot be kept. */
  private async keep(call: KeyedCall, response: unknown): Promise<unknown> {
    try {
      await this.store.save(call, this.vault.seal(response as object, toContext(call)));
    } catch (error) {
      this.logger.warn(`The response of a call with an idempotency key could not be kept: ${codeOf(error)}.`);
    }
    return response;
  }

  private async forget(call: KeyedCall, error: unknown): Promise<never> {
    await this.store.forget(call).catch((failure: unknown) => {
      this.logger.warn(`A failed call with an idempotency key could not be forgotten: ${codeOf(failure)}.`);
    });
    throw error;
  }
}

/** Digests the key with the caller, so that nobody gets the response of another caller. */
function digestOf({ caller, method, originalUrl }: AuthenticatedRequest, key: string): Buffer {
  return sha256([caller?.actor ?? '', caller?.userId ?? '', method, originalUrl, key]);
}

function sha256(fields: readonly string[]): Buffer {
  return createHash('sha256').update(JSON.stringify(fields)).digest();
}

function toContext({ id, digest, bodyHash }: KeyedCall): SealContext {
  const bound = [digest, bodyHash];
  return { purpose: 'idempotency_keys.sealed', rowId: id, userId: '', registrationId: '', generation: 0, bound };
}
