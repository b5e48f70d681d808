import type { DigestPurpose, KeyPurpose, MacPurpose, SealPurpose } from './associated-data.js';

/** The use of a key of each purpose. Each purpose has keys of its own (CR-11). */
const uses = {
  'connections.sealed': 'seal',
  'links.sealed': 'seal',
  'revocations.sealed': 'seal',
  'grant_migrations.sealed': 'seal',
  'events.sealed': 'seal',
  'webhook_endpoints.sealed': 'seal',
  'idempotency_keys.sealed': 'seal',
  'subscriptions.sealed': 'seal',
  'audit.user': 'digest',
  'audit.chain': 'sign',
  'api_keys.mac': 'sign',
  'link_sessions.mac': 'sign',
  'erasures.user': 'digest',
  'connections.account': 'digest',
  'connections.import': 'digest',
  'access.address': 'digest',
} as const satisfies Record<SealPurpose, 'seal'> & Record<DigestPurpose, 'digest'> & Record<MacPurpose, 'sign'>;

/** Every purpose, in the order in which keys are listed. */
export const keyPurposes = Object.keys(uses) as readonly KeyPurpose[];

export function isKeyPurpose(text: string): text is KeyPurpose {
  return Object.hasOwn(uses, text);
}

/** Whether values are sealed under keys of this purpose, so that they can be sealed again under another key. */
export function isSealPurpose(purpose: KeyPurpose): purpose is SealPurpose {
  return uses[purpose] === 'seal';
}

/** Whether keys of this purpose can be replaced. They cannot if a value must have the same digest forever. */
export function isReplaceable(purpose: KeyPurpose): boolean {
  return uses[purpose] !== 'digest';
}
