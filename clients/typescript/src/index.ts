export type { CufflinkApi, Schemas } from './api.js';
export type { Connection, ConnectionFilter } from './connections.js';
export { Cufflink, type CufflinkOptions } from './cufflink.js';
export { CufflinkError, type ErrorActor, type ErrorCode } from './errors.js';
export type { CufflinkEvent, EventFilter, EventPage } from './events.js';
export type { LinkOutcome } from './links.js';
export type { ProviderProxy } from './proxy.js';
export type { Token } from './tokens.js';
export { verifyWebhook, WebhookVerificationError, type ReceivedHeaders } from './webhooks.js';
