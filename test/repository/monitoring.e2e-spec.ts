import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { monitoringFiles, readAlerts } from '../../scripts/monitoring.js';
import { checkout } from '../support/service-process.js';

const page = readFileSync(join(checkout, 'docs/operations.md'), 'utf8');
const sources = readdirSync(join(checkout, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .map((path) => readFileSync(join(checkout, 'src', path), 'utf8'));

function isInstalled(command: string): boolean {
  try {
    execFileSync(command, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

describe('deploy/monitoring', () => {
  it('matches docs/operations.md; run `npm run monitoring` after a change there', () => {
    for (const [path, text] of Object.entries(monitoringFiles())) {
      expect(readFileSync(join(checkout, path), 'utf8')).toBe(text);
    }
  });

  it('has a rule for each line of the table', () => {
    const lines = page.split('\n').filter((line) => /^\| Cufflink\w+ \|/.test(line));
    expect(lines.length).toBeGreaterThan(10);
    expect(readAlerts(page)).toHaveLength(lines.length);
  });

  it('names only metrics and labels that the service has', () => {
    const names = sources.flatMap((text) => [...text.matchAll(/name: '((?:cufflink|process)_[a-z_]+)'/g)]);
    const known = new Set(names.map((match) => match[1]));
    const text = Object.values(monitoringFiles()).join('\n');
    const used = [...text.matchAll(/\b((?:cufflink|process)_[a-z_]+)\b(?!\.)/g)].map((match) =>
      String(match[1]).replace(/_(bucket|count|sum)$/, ''),
    );
    expect(new Set(used).size).toBeGreaterThan(15);
    expect(used.filter((name) => !known.has(name))).toEqual([]);

    const labels = new Set(
      sources.flatMap((source) =>
        [...source.matchAll(/labelNames: \[([^\]]+)\]/g)].flatMap(([, list = '']) => list.match(/\w+/g) ?? []),
      ),
    );
    const selected = [...text.matchAll(/[{,](\w+)(?:=|!=)\\?"/g)].map((match) => String(match[1]));
    const ofPrometheus = ['job'];
    expect(selected.filter((label) => !labels.has(label) && !ofPrometheus.includes(label))).toEqual([]);
  });

  it('names routes that the service has', () => {
    const text = Object.values(monitoringFiles()).join('\n');
    const routes = [...text.matchAll(/route=\\?"([^"\\]+)\\?"/g)].map((match) => match[1]);
    expect(new Set(routes)).toEqual(new Set(['/v1/users/:user_id/connections/:provider/token']));
    expect(sources.some((source) => source.includes("'v1/users/:user_id/connections'"))).toBe(true);
    expect(sources.some((source) => source.includes("':provider/token'"))).toBe(true);
  });

  (isInstalled('promtool') ? it : it.skip)('is valid for Prometheus', () => {
    const check = (...args: readonly string[]): string =>
      execFileSync('promtool', ['check', ...args], { cwd: join(checkout, 'deploy/monitoring'), encoding: 'utf8' });

    expect(check('rules', 'alerts.yaml')).toContain('SUCCESS');
    expect(check('config', '--syntax-only', 'prometheus.yaml')).toContain('SUCCESS');
  });
});
