import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type {
  NamedRecipient,
  NotificationChannel,
  NotificationHandshake,
  NotificationProof,
  Notifications,
  RepeatedToken,
} from '../src/provider-kit/definition/notifications.js';
import type { ProviderDefinition } from '../src/provider-kit/definition/provider-definition.js';

/**
 * Where `npm run docs:providers` writes the table of notifications: behind the marker. The text before it is kept by
 * hand.
 */
export const notificationsPage = 'docs/notifications.md';
const marker = '<!-- Written by `npm run docs:providers` from the definitions in src/providers; do not edit below. -->';

/** Returns the generated part of the page. */
export function renderNotifications(definitions: readonly ProviderDefinition[]): string {
  const senders = definitions.flatMap(({ slug, displayName, notifications }) =>
    (notifications?.channels ?? []).map((channel, at) => ({
      slug,
      displayName,
      channel,
      subscriptions: at === 0 ? notifications?.subscriptions : undefined,
    })),
  );
  const silent = definitions.filter(({ notifications }) => notifications === undefined).map(({ slug }) => code(slug));
  const rows = senders.map(({ slug, channel, subscriptions }) => [
    `[${code(slug)}](#${slug})`,
    [...new Set(channel.sends.map(({ kind }) => code(kind)))].join(' '),
    describeProof(channel.proof),
    String(channel.response.status),
    subscriptions === undefined ? channel.setup.by : 'Cufflink',
    channel.confidence,
  ]);
  const head = ['provider', 'sends', 'proof', 'response', 'set up by', 'confidence'];
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |\n`;
  const table = `${line(head)}|${head.map(() => '---|').join('')}\n${rows.map(line).join('')}`;
  return `${marker}

${table}
${wrap(`These providers send nothing, or nothing that Cufflink receives: ${silent.join(', ')}.`, '')}

${[...Map.groupBy(senders, ({ slug }) => slug).values()].map(renderProvider).join('\n')}`;
}

/** Returns the page as it should be; `undefined` when it is so below `root`. */
export async function findOutdatedNotifications(
  root: string,
  definitions: readonly ProviderDefinition[],
): Promise<string | undefined> {
  const found = await readFile(join(root, notificationsPage), 'utf8');
  const wanted = `${found.slice(0, found.indexOf(marker))}${renderNotifications(definitions)}`;
  return found === wanted ? undefined : wanted;
}

interface Sender {
  readonly slug: string;
  readonly displayName: string;
  readonly channel: NotificationChannel;
  readonly subscriptions: Notifications['subscriptions'];
}

function renderProvider(channels: readonly Sender[]): string {
  const [{ slug = '', displayName = '' } = {}] = channels;
  return `### ${slug}\n\n${displayName}\n\n${channels.map(renderChannel).join('\n')}`;
}

function renderChannel({ channel, subscriptions }: Sender): string {
  const { response, handshakes = [] } = channel;
  const limit = response.withinSeconds === undefined ? '' : ` within ${response.withinSeconds} s`;
  const lines = [
    ...channel.sends.map(({ kind, name }) => `Sends ${code(kind)}: ${name}`),
    ...(subscriptions === undefined
      ? []
      : [
          `Cufflink subscribes each ${subscriptions.scope} (${subscriptions.topics.length}): ${code(subscriptions.url)}`,
        ]),
    `Setup (${channel.setup.by}, for each ${channel.setup.scope}): ${channel.setup.note.replace(/\.$/, '')}`,
    ...handshakes.map((handshake) => `Check of the URL: ${describeHandshake(handshake)}`),
    `Proof: ${describeProof(channel.proof)}`,
    `Response: ${response.status}${limit}; a wrong proof gets ${channel.refusedStatus ?? 401}`,
    `Repeats: ${channel.retries}`,
    ...(channel.uncertain ?? []).map((sentence) => `Not confirmed: ${sentence.replace(/\.$/, '')}`),
    ...channel.sources.map((source) => `Source: ${describeSource(source)}`),
  ];
  return lines.map((text) => `${wrap(`- ${text}.`)}\n`).join('');
}

const longestLine = 120;

/** Breaks an item of a list, or other text, into lines. A word that is too long has a line of its own. */
export function wrap(text: string, indent = '  '): string {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= longestLine) {
      lines[lines.length - 1] = `${last} ${word}`;
    } else {
      lines.push(lines.length === 0 ? word : `${indent}${word}`);
    }
  }
  return lines.join('\n');
}

/** A path inside a repository is shortened to the name of the file. */
function describeSource(source: string): string {
  if (source.startsWith('https:')) {
    return `<${source}>`;
  }
  const [, repository = '', path = ''] = /^(github:[^:]+):(.+)$/.exec(source) ?? [];
  return repository === '' ? code(source) : `${code(repository)}, ${code(path.split('/').at(-1) ?? path)}`;
}

function describeProof(proof: NotificationProof): string {
  switch (proof.kind) {
    case 'hmac': {
      const secret = proof.secret === 'client-secret' ? 'client secret' : code('<PREFIX>_HOOK_SECRET');
      const covered =
        typeof proof.signed === 'string'
          ? { body: 'the body', 'timestamp+body': 'the timestamp and the body' }[proof.signed]
          : proof.signed.fields.map(code).join(', ');
      return `HMAC-${proof.algorithm.toUpperCase()} over ${covered} in ${code(proof.header)}, with the ${secret}`;
    }
    case 'jws':
      return `JWS ${proof.in === 'body' ? '' : `in ${code(proof.in.field)}, `}keys of ${code(proof.keysUrl)}`;
    case 'ecdsa':
      return `ECDSA over the body in ${proof.headers.map(code).join(' or ')}`;
    case 'token':
      return `repeats ${proof.tokens.map(describeToken).join(' and ')}`;
    case 'access-token':
      return "repeats the user's access token";
    case 'none':
      return proof.names === undefined ? 'none' : `none; ${describeNamed(proof.names)}`;
  }
}

function describeNamed(named: NamedRecipient): string {
  return named.equals === 'client-id'
    ? `${code(named.header)} must be the client id where it is there`
    : `${code(named.field)} must be that of the subscription, if Cufflink made it`;
}

function describeToken(token: RepeatedToken): string {
  const secret = {
    'client-id': 'client id',
    'client-secret': 'client secret',
    'hook-secret': '`<PREFIX>_HOOK_SECRET`',
  };
  return `the ${secret[token.equals]} in ${'header' in token ? `header ${code(token.header)}` : `field ${code(token.field)}`}`;
}

function describeHandshake(handshake: NotificationHandshake): string {
  if (handshake.method === 'POST') {
    return `${code('POST')} with ${code(`${handshake.field}: ${handshake.value}`)} gets ${handshake.status}`;
  }
  if ('challenge' in handshake) {
    return `${code('GET')} with ${code(handshake.challenge)} and ${code(handshake.token)} gets the challenge, or ${handshake.wrongStatus}`;
  }
  if ('code' in handshake) {
    return `${code('GET')} with ${code(handshake.code)} gets ${handshake.status}, or ${handshake.wrongStatus}`;
  }
  return `${code(handshake.method)} gets ${handshake.status}`;
}

function code(text: string): string {
  return `\`${text}\``;
}
