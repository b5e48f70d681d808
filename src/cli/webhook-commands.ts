import type { INestApplicationContext } from '@nestjs/common';
import { InvalidArgumentError, type Command } from 'commander';
import { eventTypes, isEventType, type EventType } from '../events/event-type.js';
import type { WebhookEndpoint } from '../webhooks/webhook-endpoint.js';
import { WebhookEndpointsService } from '../webhooks/webhook-endpoints.service.js';
import type { Print } from './output.js';
import { textTable } from './text-table.js';

const requester = { actor: 'cli' };
/** Most attempts that are printed. */
const mostListed = 100;

interface AddOptions {
  readonly types?: EventType[];
  readonly providers?: string[];
}

/** Adds the commands for webhook endpoints; `docs/events.md` explains deliveries. */
export function addWebhookCommands(
  webhooks: Command,
  withService: (command: (app: INestApplicationContext) => Promise<void>) => Promise<void>,
  print: Print,
): void {
  const run = (work: (endpoints: WebhookEndpointsService) => Promise<Parameters<Print>>): Promise<void> =>
    withService(async (app) => print(...(await work(app.get(WebhookEndpointsService, { strict: false })))));

  webhooks
    .command('list')
    .description('list the endpoints')
    .action(() =>
      run(async (service) => {
        const endpoints = await service.list();
        return [endpointsTable(endpoints), { endpoints }];
      }),
    );

  webhooks
    .command('add')
    .argument('<url>', 'a public https URL')
    .description('add an endpoint and print its signing secret; it cannot be shown again')
    .option('--types <list>', `comma-separated, of: ${eventTypes.join(', ')}; all if absent`, parseTypes)
    .option('--providers <list>', 'comma-separated slugs of providers; all if absent', parseList)
    .action((url: string, { types, providers }: AddOptions) =>
      run(async (endpoints) => {
        const target = { url, eventTypes: types ?? [], providers: providers ?? null };
        const { endpoint, secret } = await endpoints.create(target, requester);
        return [`${endpoint.id}\n${secret}`, { id: endpoint.id, secret }];
      }),
    );

  for (const [name, status] of [
    ['enable', 'enabled'],
    ['disable', 'disabled'],
  ] as const) {
    webhooks
      .command(name)
      .argument('<id>', 'id of the endpoint')
      .description(`${name} an endpoint`)
      .action((id: string) =>
        run(async (endpoints) => {
          await endpoints.change(id, { status }, requester);
          return [`Endpoint ${id} is ${status}.`, { id, status }];
        }),
      );
  }

  webhooks
    .command('rotate')
    .argument('<id>', 'id of the endpoint')
    .description('make a new signing secret and print it; the previous one signs too for 24 hours')
    .action((id: string) =>
      run(async (endpoints) => {
        const { secret } = await endpoints.rotate(id, requester);
        return [secret, { id, secret }];
      }),
    );

  webhooks
    .command('remove')
    .argument('<id>', 'id of the endpoint')
    .description('remove an endpoint, and the deliveries that wait for it')
    .action((id: string) =>
      run(async (endpoints) => {
        await endpoints.remove(id, requester);
        return [`Endpoint ${id} is removed.`, { id }];
      }),
    );

  webhooks
    .command('attempts')
    .argument('<id>', 'id of the endpoint')
    .description(`list the last ${mostListed} attempts to deliver to an endpoint`)
    .action((id: string) =>
      run(async (endpoints) => {
        const attempts = await endpoints.listAttempts(id, {}, Number.MAX_SAFE_INTEGER, mostListed);
        const rows = attempts.map((each) => [
          each.attemptedAt.toISOString(),
          each.eventId,
          each.eventType,
          String(each.attempt),
          each.outcome,
          String(each.httpStatus ?? each.errorCode ?? '-'),
        ]);
        return [textTable([['AT', 'EVENT', 'TYPE', 'ATTEMPT', 'OUTCOME', 'RESPONSE'], ...rows]), { attempts }];
      }),
    );

  webhooks
    .command('resend')
    .argument('<id>', 'id of the endpoint')
    .argument('<event>', 'id of the event')
    .description('deliver one event again')
    .action((id: string, event: string) =>
      run(async (endpoints) => {
        await endpoints.resend(id, event);
        return [`Event ${event} is queued.`, { eventId: event }];
      }),
    );

  webhooks
    .command('resend-failed')
    .argument('<id>', 'id of the endpoint')
    .argument('<since>', 'RFC 3339, such as 2026-11-28T00:00:00Z', parseInstant)
    .description('deliver all events since an instant that the endpoint has not received')
    .action((id: string, since: Date) =>
      run(async (endpoints) => {
        const queued = await endpoints.resendFailed(id, since);
        return [`${queued} events are queued.`, { queued }];
      }),
    );

  webhooks
    .command('test')
    .argument('<id>', 'id of the endpoint')
    .description('send a webhook.test event to an endpoint')
    .action((id: string) =>
      run(async (endpoints) => {
        const eventId = await endpoints.test(id, requester);
        return [`Event ${eventId} will be delivered by a worker.`, { eventId }];
      }),
    );
}

function endpointsTable(endpoints: readonly WebhookEndpoint[]): string {
  const rows = endpoints.map(({ id, url, eventTypes: types, providers, status, disabledReason }) => [
    id,
    url,
    types.length === 0 ? 'all' : types.join(','),
    providers === null ? 'all' : providers.join(','),
    disabledReason === null ? status : `${status} (${disabledReason})`,
  ]);
  return textTable([['ID', 'URL', 'TYPES', 'PROVIDERS', 'STATUS'], ...rows]);
}

function parseTypes(text: string): EventType[] {
  return parseList(text).map((type) => {
    if (!isEventType(type)) {
      throw new InvalidArgumentError(`${type} is not a type of event.`);
    }
    return type;
  });
}

function parseList(text: string): string[] {
  return text.split(',').filter((each) => each !== '');
}

function parseInstant(text: string): Date {
  const instant = new Date(text);
  if (Number.isNaN(instant.getTime())) {
    throw new InvalidArgumentError('an RFC 3339 instant, such as 2026-11-28T00:00:00Z.');
  }
  return instant;
}
