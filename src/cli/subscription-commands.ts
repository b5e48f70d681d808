import type { INestApplicationContext } from '@nestjs/common';
import type { Command } from 'commander';
import { subscriptionObstacle } from '../provider-kit/notifications/subscription-obstacle.js';
import { ProviderRegistry } from '../provider-kit/provider-registry.js';
import type { SubscriptionSummary } from '../subscriptions/subscription-store.js';
import { SubscriptionWorker } from '../subscriptions/subscription-worker.js';
import { exitCodes, type Print } from './output.js';
import { textTable } from './text-table.js';

/** Adds the commands for subscriptions at providers; `docs/notifications.md` explains them. */
export function addSubscriptionCommands(
  commands: Command,
  withService: (command: (app: INestApplicationContext) => Promise<void>) => Promise<void>,
  print: Print,
): void {
  const show = (app: INestApplicationContext, found: readonly SubscriptionSummary[]): void => {
    const registry = app.get(ProviderRegistry, { strict: false });
    const subscriptions = found.map((each) => ({
      ...each,
      remedy: each.state === 'not_configured' ? (remedyOf(registry, each.provider) ?? null) : null,
    }));
    print(table(subscriptions), { subscriptions });
    process.exitCode = found.every(({ state }) => state === 'active' || state === 'pending')
      ? exitCodes.success
      : exitCodes.finding;
  };

  commands
    .command('list')
    .description('count apps and users by the state of their subscriptions; exit status 1 if some do not work')
    .action(() =>
      withService(async (app) => {
        show(app, await app.get(SubscriptionWorker, { strict: false }).list());
      }),
    );

  commands
    .command('repair')
    .argument('[slugs...]', 'the providers; all if there are none')
    .description('check and repair subscriptions now: of each app, and of users with subscriptions that do not work')
    .action((slugs: readonly string[]) =>
      withService(async (app) => {
        show(app, await app.get(SubscriptionWorker, { strict: false }).repair(slugs));
      }),
    );
}

function remedyOf(registry: ProviderRegistry, slug: string): string | undefined {
  return registry.has(slug) ? subscriptionObstacle(registry.get(slug)) : undefined;
}

function table(subscriptions: readonly (SubscriptionSummary & { readonly remedy: string | null })[]): string {
  const rows = subscriptions.map((each) => [
    each.provider,
    each.scope,
    each.state,
    String(each.count),
    `${each.active}/${each.wanted}`,
    each.checkedAt?.toISOString() ?? '-',
    each.expiresAt?.toISOString() ?? '-',
    each.remedy ?? each.errorCode ?? '-',
  ]);
  return textTable([['PROVIDER', 'OF', 'STATE', 'COUNT', 'ACTIVE', 'CHECKED', 'EXPIRES', 'PROBLEM'], ...rows]);
}
