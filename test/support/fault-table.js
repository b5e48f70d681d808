import { existsSync, readFileSync } from 'node:fs';

const headings = ['scenario', '', 'rounds', 'faults', 'connections', 'violations', 'lost'];

/** Prints, after the run, what the fault scenarios have counted. */
export default class FaultTable {
  onRunComplete() {
    const file = process.env.FAULT_FIGURES_FILE;
    if (file === undefined || !existsSync(file)) {
      return;
    }
    const scenarios = readFileSync(file, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
      .sort((left, right) => left.id.localeCompare(right.id));
    const broken = scenarios.filter(({ without }) => without !== undefined);
    const limits = scenarios.filter(({ limit }) => limit !== undefined);
    const kept = scenarios.filter((scenario) => !broken.includes(scenario) && !limits.includes(scenario));
    const sum = (name) => kept.reduce((total, scenario) => total + scenario[name], 0);
    process.stderr.write(
      `\nFault scenarios: ${kept.length}, ${sum('faults')} faults, ${sum('connections')} connections, ` +
        `${sum('violations')} violations, ${sum('lost')} lost\n${table(kept)}` +
        `\nKnown limits, where the loss is expected: ${limits.length}\n${table(limits)}` +
        `\nA defence switched off, where the checker has to find violations: ${broken.length}\n${table(broken)}\n`,
    );
  }
}

function table(scenarios) {
  const rows = scenarios.map(({ id, what, without, limit, rounds, faults, connections, violations, lost }) => [
    id,
    [what, without && `no ${without}`, limit].filter(Boolean).join(', '),
    ...[rounds, faults, connections, violations, lost].map(String),
  ]);
  const all = [headings, ...rows];
  const widths = headings.map((_, column) => Math.max(...all.map((row) => row[column].length)));
  return all
    .map((row) => row.map((cell, at) => (at < 2 ? cell.padEnd(widths[at]) : cell.padStart(widths[at]))).join('  '))
    .map((line) => `  ${line}\n`)
    .join('');
}
