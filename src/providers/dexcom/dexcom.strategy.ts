import { OAuth2ProviderStrategy } from '../../provider-kit/oauth2-provider.strategy.js';

/** The same for every region; `dexcom.module.ts` makes one of each. */
export class DexcomStrategy extends OAuth2ProviderStrategy {}
