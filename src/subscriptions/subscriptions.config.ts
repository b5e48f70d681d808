import { registerAs, type ConfigType } from '@nestjs/config';
import { z } from 'zod';
import { readEnvironment, type Environment } from '../config/read-environment.js';

const schema = z.object({
  NOTIFICATION_SUBSCRIPTIONS: z.enum(['on', 'off'], { error: 'must be on or off' }).default('on'),
});

/** Reads whether Cufflink subscribes to notifications of providers. */
export function readSubscriptionsConfig(environment: Environment): {
  /** If false, the operator creates and repairs the subscriptions. */
  isOn: boolean;
} {
  return { isOn: readEnvironment(schema, environment).NOTIFICATION_SUBSCRIPTIONS === 'on' };
}

export const subscriptionsConfig = registerAs('subscriptions', () => readSubscriptionsConfig(process.env));
export type SubscriptionsConfig = ConfigType<typeof subscriptionsConfig>;
