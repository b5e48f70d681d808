// Writes deploy/monitoring from the tables of docs/operations.md: alert rules for Prometheus, and a dashboard for
// Grafana.
import { readFileSync, writeFileSync } from 'node:fs';
import { dump } from 'js-yaml';

const root = new URL('..', import.meta.url);
const page = 'docs/operations.md';

export interface Alert {
  readonly name: string;
  readonly expression: string;
  readonly forDuration: string;
  readonly severity: string;
  readonly meaning: string;
  readonly action: string;
}

/** Reads the table of alerts. */
export function readAlerts(text: string): Alert[] {
  return [...text.matchAll(/^\| (Cufflink\w+) \| `([^|]+)` \| (\w+) \| (page|ticket) \| ([^|]+) \| ([^|]+) \|$/gm)].map(
    ([, name = '', expression = '', forDuration = '', severity = '', meaning = '', action = '']) => ({
      name,
      expression,
      forDuration,
      severity,
      meaning: plain(meaning),
      action: plain(action),
    }),
  );
}

/** A link of Markdown says nothing in an alert; its text does. */
function plain(text: string): string {
  return text.replace(/\[([^\]]+)\]\([^)]+\)/g, '$1').replaceAll('`', '');
}

/** Returns the file of alert rules. */
export function alertRules(alerts: readonly Alert[]): string {
  const rules = alerts.map(({ name, expression, forDuration, severity, meaning, action }) => ({
    alert: name,
    expr: expression,
    ...(forDuration === '0m' ? {} : { for: forDuration }),
    labels: { severity },
    annotations: { summary: meaning, action, runbook: `${page}#alerts` },
  }));
  const head = `# Made by "npm run monitoring" from ${page}. Change that page instead.\n`;
  return `${head}${dump({ groups: [{ name: 'cufflink', rules }] }, { lineWidth: -1 })}`;
}

interface Panel {
  readonly title: string;
  readonly unit: string;
  /** By what the legend shows. */
  readonly queries: Readonly<Record<string, string>>;
}

const tokenRoute = 'route="/v1/users/:user_id/connections/:provider/token"';

function quantiles(metric: string, by: string, selector = ''): Readonly<Record<string, string>> {
  return {
    [`{{${by}}} p50`]: `histogram_quantile(0.5, sum by (le, ${by}) (rate(${metric}_bucket{${selector}}[5m])))`,
    [`{{${by}}} p99`]: `histogram_quantile(0.99, sum by (le, ${by}) (rate(${metric}_bucket{${selector}}[5m])))`,
  };
}

/** One line for each combination of labels. */
function lines(labels: readonly string[], query: (by: string) => string): Readonly<Record<string, string>> {
  return { [labels.map((label) => `{{${label}}}`).join(' ')]: query(labels.join(', ')) };
}

function rates(metric: string, ...labels: string[]): Readonly<Record<string, string>> {
  return lines(labels, (by) => `sum by (${by}) (rate(${metric}[5m]))`);
}

function inAnHour(metric: string, ...labels: string[]): Readonly<Record<string, string>> {
  return lines(labels, (by) => `sum by (${by}) (increase(${metric}[1h]))`);
}

function worst(metric: string, label: string): Readonly<Record<string, string>> {
  return lines([label], (by) => `max by (${by}) (${metric})`);
}

const panels: readonly Panel[] = [
  {
    title: 'Token calls by status',
    unit: 'reqps',
    queries: rates(`cufflink_http_request_seconds_count{${tokenRoute}}`, 'status'),
  },
  {
    title: 'Duration of token calls',
    unit: 's',
    queries: quantiles('cufflink_http_request_seconds', 'route', tokenRoute),
  },
  {
    title: 'Requests by status',
    unit: 'reqps',
    queries: rates('cufflink_http_request_seconds_count', 'status'),
  },
  {
    title: 'Refreshes by provider and outcome',
    unit: 'ops',
    queries: rates('cufflink_refreshes_total', 'provider', 'outcome'),
  },
  { title: 'Duration of refreshes', unit: 's', queries: quantiles('cufflink_refresh_seconds', 'provider') },
  {
    title: 'Duration of calls to token endpoints',
    unit: 's',
    queries: quantiles('cufflink_token_call_seconds', 'provider'),
  },
  {
    title: 'Longest overdue refresh',
    unit: 's',
    queries: worst('cufflink_refresh_oldest_overdue_seconds', 'provider'),
  },
  {
    title: 'Connections due for a refresh',
    unit: 'short',
    queries: worst('cufflink_refresh_due_connections', 'provider'),
  },
  {
    title: 'Open circuit breakers',
    unit: 'short',
    queries: worst('cufflink_circuit_breaker_open', 'registration'),
  },
  {
    title: 'Links by stage, in an hour',
    unit: 'short',
    queries: inAnHour('cufflink_link_stages_total', 'stage'),
  },
  {
    title: 'Outcomes of links, in an hour',
    unit: 'short',
    queries: inAnHour('cufflink_links_total', 'provider', 'outcome'),
  },
  {
    title: 'Ended connections, in an hour',
    unit: 'short',
    queries: inAnHour('cufflink_connection_endings_total', 'provider', 'reason'),
  },
  { title: 'Duration of proxied calls', unit: 's', queries: quantiles('cufflink_proxied_call_seconds', 'provider') },
  {
    title: 'Connections to PostgreSQL',
    unit: 'short',
    queries: { '{{instance}} {{state}}': 'cufflink_database_connections' },
  },
  {
    title: 'Delay of the event loop, 99th percentile',
    unit: 's',
    queries: { '{{instance}}': 'cufflink_event_loop_delay_seconds{quantile="0.99"}' },
  },
  {
    title: 'Memory and processor',
    unit: 'short',
    queries: {
      '{{instance}} MiB': 'process_resident_memory_bytes{job="cufflink"} / 1048576',
      '{{instance}} cores': 'rate(process_cpu_seconds_total{job="cufflink"}[5m])',
    },
  },
  {
    title: 'Denied requests',
    unit: 'ops',
    queries: rates('cufflink_access_denials_total', 'code'),
  },
  { title: 'Versions', unit: 'short', queries: { '{{version}}': 'count by (version) (cufflink_build_info)' } },
];

/** Returns the dashboard, with a list of firing alerts on top. */
export function dashboard(): string {
  const datasource = { type: 'prometheus', uid: '${datasource}' };
  const graphs = panels.map(({ title, unit, queries }, at) => ({
    id: at + 2,
    type: 'timeseries',
    title,
    datasource,
    gridPos: { x: (at % 3) * 8, y: 4 + Math.floor(at / 3) * 8, w: 8, h: 8 },
    fieldConfig: { defaults: { unit, min: 0 }, overrides: [] },
    targets: Object.entries(queries).map(([legendFormat, expr], index) => ({
      refId: String.fromCharCode(65 + index),
      datasource,
      expr,
      legendFormat,
    })),
  }));
  const alerts = {
    id: 1,
    type: 'alertlist',
    title: 'Firing alerts',
    gridPos: { x: 0, y: 0, w: 24, h: 4 },
    options: { alertName: 'Cufflink', stateFilter: { firing: true, pending: true } },
  };
  const board = {
    uid: 'cufflink',
    title: 'Cufflink',
    tags: ['cufflink'],
    schemaVersion: 39,
    editable: true,
    refresh: '30s',
    time: { from: 'now-6h', to: 'now' },
    templating: { list: [{ name: 'datasource', label: 'Data source', type: 'datasource', query: 'prometheus' }] },
    panels: [alerts, ...graphs],
  };
  return `${JSON.stringify(board, null, 2)}\n`;
}

/** Returns every file of deploy/monitoring that is made from the page. */
export function monitoringFiles(): Readonly<Record<string, string>> {
  const alerts = readAlerts(readFileSync(new URL(page, root), 'utf8'));
  return { 'deploy/monitoring/alerts.yaml': alertRules(alerts), 'deploy/monitoring/dashboard.json': dashboard() };
}

if (import.meta.main) {
  for (const [path, text] of Object.entries(monitoringFiles())) {
    writeFileSync(new URL(path, root), text);
    process.stdout.write(`Wrote ${path}.\n`);
  }
}
