import { html, type Html } from '../../web/html.js';

const width = 720;
const height = 200;
const left = 64;
const right = 8;
const top = 12;
const bottom = 24;

/** One line of a chart. */
export interface Series {
  readonly name: string;
  readonly kind: 'good' | 'bad';
  /** A value for each instant of the chart. */
  readonly values: readonly number[];
}

/**
 * Returns a chart of lines over time, as SVG. It has a text for people who do not see it. Each line has its own dashes
 * beside its color.
 *
 * @param instants - in their order, at least two
 */
export function lineChart(name: string, instants: readonly Date[], series: readonly Series[]): Html {
  const [first, last] = [instants[0], instants.at(-1)];
  if (first === undefined || last === undefined || instants.length < 2) {
    return html`<p class="muted">There is no history yet. One count an hour is kept.</p>`;
  }
  const most = roundUp(Math.max(1, ...series.flatMap(({ values }) => values)));
  const span = last.getTime() - first.getTime();
  const x = (at: Date): number => left + ((at.getTime() - first.getTime()) / span) * (width - left - right);
  const y = (value: number): number => height - bottom - (value / most) * (height - top - bottom);
  const lines = series.map(({ kind, values }) => {
    const points = instants.map((at, index) => `${x(at).toFixed(1)},${y(values[index] ?? 0).toFixed(1)}`);
    return html`<polyline class="series ${kind}" points="${points.join(' ')}" />`;
  });
  const summary = series
    .map(({ name: line, values }) => `${line}: ${number(values[0] ?? 0)} first, ${number(values.at(-1) ?? 0)} last`)
    .join('; ');
  return html`<svg class="chart" viewBox="0 0 ${width} ${height}" role="img" aria-label="${name}. ${summary}.">
      ${[0, most / 2, most].map((value) => gridLine(y(value), number(value)))} ${lines}
      <text x="${left}" y="${height - 6}">${day(first)}</text>
      <text x="${width - right}" y="${height - 6}" text-anchor="end">${day(last)} UTC</text>
    </svg>
    <p class="muted">
      ${series.map(({ name: line, kind }) => html`<span class="key ${kind}"></span> ${line} &nbsp; `)}
    </p>`;
}

/**
 * A chart of bars, as SVG.
 *
 * @param labels - below the first and the last bar
 */
export function barChart(name: string, values: readonly number[], labels: readonly [string, string]): Html {
  const most = roundUp(Math.max(1, ...values));
  const step = (width - left - right) / values.length;
  const bars = values.map((value, index) => {
    const tall = (value / most) * (height - top - bottom);
    return html`<rect
      class="bar"
      x="${(left + index * step + 2).toFixed(1)}"
      y="${(height - bottom - tall).toFixed(1)}"
      width="${(step - 4).toFixed(1)}"
      height="${tall.toFixed(1)}"
    />`;
  });
  return html`<svg
    class="chart"
    viewBox="0 0 ${width} ${height}"
    role="img"
    aria-label="${name}: ${values.map(number).join(', ')}."
  >
    ${[0, most / 2, most].map((value) => gridLine(height - bottom - (value / most) * (height - top - bottom), number(value)))}
    ${bars}
    <text x="${left}" y="${height - 6}">${labels[0]}</text>
    <text x="${width - right}" y="${height - 6}" text-anchor="end">${labels[1]}</text>
  </svg>`;
}

function gridLine(at: number, label: string): Html {
  return html`<line class="grid" x1="${left}" x2="${width - right}" y1="${at.toFixed(1)}" y2="${at.toFixed(1)}" />
    <text x="${left - 6}" y="${(at + 4).toFixed(1)}" text-anchor="end">${label}</text>`;
}

/** Returns the next of 1, 2, 4, 10, 20, 40, 100 and so on, so that half of it is easy to read. */
function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 4, 10].map((each) => each * power).find((each) => each >= value) ?? value;
}

function number(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: 1 });
}

function day(at: Date): string {
  return at.toISOString().slice(0, 16).replace('T', ' ');
}
