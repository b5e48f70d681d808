import { readCallerAddressConfig } from '../access/caller-address.config.js';
import { readApiKeysConfig } from '../access/api-keys.config.js';
import { readRateLimitsConfig } from '../access/rate-limits.config.js';
import { readUserTokensConfig } from '../access/user-tokens.config.js';
import { readAuditConfig } from '../audit/audit.config.js';
import { readAppConfig } from '../config/app.config.js';
import { checkProcessFlags } from '../config/process-flags.js';
import { isSecretSet, type Environment } from '../config/read-environment.js';
import { findLinkObjection, readLinksConfig } from '../links/links.config.js';
import { lifecycleAt } from '../provider-kit/definition/lifecycle.js';
import { readOutboundSettings } from '../provider-kit/http/outbound.config.js';
import {
  isDefaultServer,
  type Lifecycle,
  type ProviderDefinition,
} from '../provider-kit/definition/provider-definition.js';
import { subscriptionObstacle } from '../provider-kit/notifications/subscription-obstacle.js';
import {
  environmentPrefix,
  requiredVariables,
  type ProviderSettings,
} from '../provider-kit/definition/provider-settings.js';
import { readTokensConfig } from '../tokens/tokens.config.js';
import { readVaultConfig } from '../vault/vault.config.js';
import { readCompanyConfig } from '../web/company.config.js';
import type { CatalogueEntry } from './provider-catalogue.js';
import { textTable } from './text-table.js';

/** Days before the end of a provider from which on its remaining connections are counted. */
const firstWarningDays = 30;

/**
 * The result of one check:
 * - `wrong`: would not work.
 * - `note`: works, and the operator should know a fact.
 * - `off`: not switched on.
 */
export interface Finding {
  readonly verdict: 'ok' | 'note' | 'off' | 'wrong';
  readonly subject: string;
  readonly text: string;
}

/** Checks the settings of the service, all but the database. Each part is checked, even if others have failed. */
export function checkService(environment: Environment): Finding[] {
  const production = environment['NODE_ENV'] === 'production';
  return [
    check('process', () => {
      readAppConfig(environment);
      checkProcessFlags([], environment);
      const publicUrl = environment['PUBLIC_URL'];
      return publicUrl
        ? `browsers reach it at ${publicUrl}`
        : 'browsers reach it only on this machine; set PUBLIC_URL to change that';
    }),
    check('root key', () => {
      const isElsewhere = (environment['KEY_SOURCE'] || 'local') !== 'local';
      if (!production && !isElsewhere && !isSecretSet(environment, 'ENCRYPTION_ROOT_KEY')) {
        return 'created by the first start, in .cufflink/';
      }
      const { environmentName, keySources } = readVaultConfig(environment);
      return `present (${keySources[0]?.kind ?? 'local'}); sealed values are bound to the name "${environmentName}"`;
    }),
    checkReturnUrls(environment),
    check('pages', () => {
      const { name } = readCompanyConfig(environment);
      return name === undefined ? 'they name no company; set COMPANY_NAME' : `they name ${name}`;
    }),
    check('tokens', () => {
      readTokensConfig(environment);
      return 'the settings are valid';
    }),
    check('access', () => {
      readCallerAddressConfig(environment);
      readApiKeysConfig(environment);
      readRateLimitsConfig(environment);
      const { settings } = readUserTokensConfig(environment);
      return settings === undefined ? 'with API keys only' : 'with API keys and user tokens';
    }),
    check('audit', () => `the audit head is logged every ${readAuditConfig(environment).headLogMs / 1_000} seconds`),
    check('outbound', () => {
      readOutboundSettings(environment);
      return isSecretSet(environment, 'OUTBOUND_PROXY_URL') ? 'through a proxy' : 'direct, only to the providers';
    }),
  ];
}

function checkReturnUrls(environment: Environment): Finding {
  const finding = check('RETURN_URLS', () => {
    const config = readLinksConfig(environment);
    const objection = findLinkObjection(config);
    if (objection !== undefined) {
      throw new Error(objection);
    }
    return config.returnUrls.join(', ');
  });
  if (finding.text !== '') {
    return finding;
  }
  return environment['NODE_ENV'] === 'production'
    ? { ...finding, verdict: 'note', text: 'empty: no link can send the browser back to your application' }
    : { ...finding, text: 'empty: in development every URL on this machine is allowed' };
}

/** @param read - returns the text of a correct setting, and throws the error of a wrong one */
function check(subject: string, read: () => string): Finding {
  try {
    return { verdict: 'ok', subject, text: read() };
  } catch (error) {
    return { verdict: 'wrong', subject, text: error instanceof Error ? error.message : 'cannot be read' };
  }
}

/**
 * Checks a provider: its settings, the redirect URI to register, missing parts, and its end.
 *
 * @param today - the calendar day in UTC, `YYYY-MM-DD`
 * @param connections - the active ones left at it; `undefined` when they were not counted
 */
export function checkProvider(
  { definition, settings, problem }: CatalogueEntry,
  today: string,
  connections?: number,
): Finding {
  const { slug: subject, lifecycle } = definition;
  const end = sentences(endOf(lifecycle, today), leftOf(lifecycle, today, connections));
  if (problem !== undefined) {
    return { verdict: 'wrong', subject, text: sentences(problem, `Its redirect URI is ${settings.redirectUri}.`, end) };
  }
  if (settings.mode === 'configured') {
    const text = `Configured. Register the redirect URI ${settings.redirectUri} at the provider.`;
    const server = serverOf(definition, settings.server);
    const hook = hookOf(definition, settings);
    return { verdict: lifecycle.status === 'live' ? 'ok' : 'note', subject, text: sentences(text, server, hook, end) };
  }
  const state = settings.mode === 'sandbox' ? 'Uses the vendor sandbox.' : 'Off.';
  const missing = variablesOf(definition).join(', ');
  const remedy = `To enable it, set ${missing} and register the redirect URI ${settings.redirectUri}.`;
  return { verdict: 'off', subject, text: sentences(state, remedy, end) };
}

/** Returns the URL of the provider's notifications, without a path secret. */
function hookOf(definition: ProviderDefinition, settings: ProviderSettings): string {
  const { slug, notifications } = definition;
  if (notifications === undefined) {
    return '';
  }
  const { channels, subscriptions } = notifications;
  const prefix = environmentPrefix(slug);
  const { pathSecret, secret, url } = settings.notifications;
  const path = pathSecret === undefined ? '' : `/<${prefix}_HOOK_PATH_SECRET>`;
  const registration =
    subscriptions === undefined
      ? `For notifications, register ${url}${path} by hand.`
      : `A worker subscribes ${url}${path} to notifications.`;
  const isProvenByChosenSecret = subscriptions?.response.secret !== undefined;
  const needsSecret =
    !isProvenByChosenSecret &&
    secret === undefined &&
    channels.some(({ proof }) => JSON.stringify(proof).includes('"hook-secret"'));
  return sentences(
    registration,
    needsSecret ? `Set ${prefix}_HOOK_SECRET: without it they are refused.` : '',
    subscriptionObstacle({ definition, settings }) ?? '',
    ...channels.map(({ setup }) => setup.note),
  );
}

/** Returns the used one of several servers. Connections of another server do not work there. */
function serverOf(definition: ProviderDefinition, chosen: string | undefined): string {
  const servers = Object.entries(definition.oauth === '2.0' ? (definition.servers ?? {}) : {});
  const name = chosen ?? servers.find(([, facts]) => isDefaultServer(facts))?.[0];
  const others = servers.map(([each]) => each).filter((each) => each !== name);
  return name === undefined || others.length === 0
    ? ''
    : `It uses the server ${name}. Set ${environmentPrefix(definition.slug)}_SERVER to use ${others.join(', ')}.`;
}

function variablesOf(definition: ProviderDefinition): string[] {
  return requiredVariables(definition).map((name) => `${environmentPrefix(definition.slug)}_${name}`);
}

function endOf(lifecycle: Lifecycle, today: string): string {
  if (lifecycle.status === 'live') {
    return '';
  }
  const { sunsetAt, replacedBy } = lifecycle;
  const { status } = lifecycleAt(lifecycle, new Date(`${today}T00:00:00Z`));
  return sentences(
    `The provider ${sunsetAt < today ? 'shut it down' : 'shuts it down'} on ${sunsetAt}.`,
    replacedBy === undefined ? 'It has no successor.' : `Link new users with ${replacedBy}.`,
    status === 'retired' ? 'New links are rejected unless ALLOW_RETIRED_PROVIDERS is set.' : '',
  );
}

/** Returns the number of users who would lose their connection, from 30 days before the end on. */
function leftOf(lifecycle: Lifecycle, today: string, connections = 0): string {
  if (lifecycle.status === 'live' || connections === 0) {
    return '';
  }
  const days = daysLeft(lifecycle.sunsetAt, today);
  if (days > firstWarningDays) {
    return '';
  }
  const left = `${connections} active ${connections === 1 ? 'connection is' : 'connections are'} left`;
  return days < 0 ? `${left}, which end now.` : `${left}, ${days} ${days === 1 ? 'day' : 'days'} before the end.`;
}

/** Returns the days from one calendar day to another, both `YYYY-MM-DD`. */
function daysLeft(sunsetAt: string, today: string): number {
  return Math.round((Date.parse(sunsetAt) - Date.parse(today)) / 86_400_000);
}

function sentences(...each: readonly string[]): string {
  return each.filter((text) => text !== '').join(' ');
}

/** Puts the providers that are off into one finding. */
export function groupDisabled(providers: readonly Finding[]): Finding[] {
  const off = providers.filter(({ verdict }) => verdict === 'off').map(({ subject }) => subject);
  const text = `${off.join(', ')}. Add --all to see how to enable them.`;
  const group: Finding = { verdict: 'off', subject: `${off.length} providers`, text };
  return [...providers.filter(({ verdict }) => verdict !== 'off'), ...(off.length === 0 ? [] : [group])];
}

/** Returns the report to print. It ends with the number of settings that would not work. */
export function renderReport(service: readonly Finding[], providers: readonly Finding[]): string {
  const table = (findings: readonly Finding[]): string =>
    textTable(findings.map(({ verdict, subject, text }) => [verdict.toUpperCase(), subject, text]));
  const wrong = countWrong([...service, ...providers]);
  const verdict =
    wrong === 0 ? 'No problems found.' : `${wrong} ${wrong === 1 ? 'problem' : 'problems'} found: see WRONG above.`;
  return `Service\n${table(service)}\n\nProviders\n${table(providers)}\n\n${verdict}`;
}

/** Counts the findings that would not work. */
export function countWrong(findings: readonly Finding[]): number {
  return findings.filter(({ verdict }) => verdict === 'wrong').length;
}
