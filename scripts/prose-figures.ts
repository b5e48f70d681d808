/**
 * `node scripts/prose-figures.ts [--warn] [--checkout <folder>]`: prints figures about the sentences of pages, API
 * texts and comments, and about the source files. With `--warn` it prints only figures over a limit. It never fails.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { findApiTexts, measureSources, readSources, type SourceFigures, type SourceText } from './source-figures.ts';

export interface ProseFigures {
  readonly words: number;
  readonly wordsPerSentence: number;
  /** Words of the longest sentence. */
  readonly longest: number;
  /** Lines over 120 characters, without rows of tables and code. */
  readonly longLines: number;
  /** Words of the longest cell of a table. */
  readonly longestCell: number;
}

const limits = { wordsPerSentence: 20, longLines: 0, longestCell: 30 };
const longestFileLines = 400;

/** Measures a page. Code blocks, headings, HTML comments and, in sentences, cells of tables do not count. */
export function measureMarkdown(text: string): ProseFigures {
  const prose = text.replace(/^ *```.*?^ *```$/gms, '\n').replace(/<!--.*?-->/gs, '\n');
  const lines = prose.split('\n').filter((line) => !/^#/.test(line));
  const rows = lines.filter((line) => line.startsWith('|') && !/^[|\s:-]+$/.test(line));
  const cells = rows.flatMap((row) => row.split(/(?<!\\)\|/).map((cell) => cell.trim()));
  const others = lines.filter((line) => !line.startsWith('|'));
  const paragraphs = others.join('\n').split(/\n\s*\n|\n(?=\s*(?:[-*]|\d+\.) )/);
  return {
    ...measureSentences(paragraphs),
    longLines: others.filter((line) => line.length > 120).length,
    longestCell: Math.max(0, ...cells.map((cell) => countWords(cell))),
  };
}

/** Measures the doc comments of a source text. */
export function measureDocComments(text: string): ProseFigures {
  const comments = [...text.matchAll(/\/\*\*(.*?)\*\//gs)].map(([, comment = '']) => comment.replace(/^\s*\* ?/gm, ''));
  const longLines = text.split('\n').filter((line) => /^\s*(\/?\*|\/\/)/.test(line) && line.length > 120).length;
  return { ...measureSentences(comments.flatMap((text) => text.split(/\n\s*\n|\n(?=@)/))), longLines, longestCell: 0 };
}

function measureSentences(paragraphs: readonly string[]): Omit<ProseFigures, 'longLines' | 'longestCell'> {
  const sentences = paragraphs
    .map((paragraph) => paragraph.replace(/\]\([^)]*\)/g, ']').replace(/`[^`]*`/g, 'Code'))
    .flatMap((paragraph) => paragraph.split(/(?<=[.!?][)*"']*)\s+(?=[^a-z])/))
    .map(countWords)
    .filter((words) => words > 0);
  const words = sentences.reduce((sum, count) => sum + count, 0);
  return {
    words,
    wordsPerSentence: Math.round((10 * words) / Math.max(1, sentences.length)) / 10,
    longest: Math.max(0, ...sentences),
  };
}

function countWords(text: string): number {
  return text.split(/\s+/).filter((word) => /[\p{L}\p{N}]/u.test(word)).length;
}

/** Measures texts that are not part of a page, such as descriptions of the API. */
export function measureTexts(texts: readonly string[]): ProseFigures {
  return { ...measureSentences(texts), longLines: 0, longestCell: 0 };
}

function measureCheckout(root: string): { prose: Map<string, ProseFigures>; sources: Record<string, SourceFigures> } {
  const read = (path: string): string => readFileSync(join(root, path), 'utf8');
  const pages = readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md') && name !== 'providers.md');
  const paths = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md', ...pages.map((name) => `docs/${name}`)];
  const [src, test] = [readSources(root, 'src'), readSources(root, 'test')];
  const production = src.filter(({ path }) => !/\.spec\.ts$|\/testing\//.test(path));
  const joined = (sources: readonly SourceText[]): string => sources.map(({ text }) => text).join('\n');
  return {
    prose: new Map([
      ...paths
        .filter((path) => existsSync(join(root, path)))
        .map((path) => [path, measureMarkdown(read(path))] as const),
      ['all pages of docs', measureMarkdown(pages.map((name) => read(`docs/${name}`)).join('\n\n'))],
      ['texts of the API', measureTexts(production.flatMap(findApiTexts))],
      ['doc comments of src', measureDocComments(joined(src))],
      ['comments of test', measureDocComments(joined(test))],
    ]),
    sources: { src: measureSources(production), 'src with its tests': measureSources(src), test: measureSources(test) },
  };
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { warn: { type: 'boolean' }, checkout: { type: 'string' } } });
  const { prose, sources } = measureCheckout(values.checkout ?? dirname(dirname(fileURLToPath(import.meta.url))));
  const isOver = (page: ProseFigures): boolean =>
    (Object.keys(limits) as (keyof typeof limits)[]).some((name) => page[name] > limits[name]);
  const isTooBig = ({ longestLines, circles }: SourceFigures): boolean =>
    longestLines > longestFileLines || circles > 0;
  const shownProse = [...prose].filter(([, page]) => values.warn !== true || isOver(page));
  const shownSources = Object.entries(sources).filter(
    ([name, each]) => values.warn !== true || (name === 'src' && isTooBig(each)),
  );
  for (const shown of [shownProse, shownSources].filter(({ length }) => length > 0)) {
    console.table(Object.fromEntries(shown));
  }
}
