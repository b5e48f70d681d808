/**
 * `node scripts/prose-figures.ts [--warn] [source folder ...]`: prints how long the sentences of the pages are, and of
 * the doc comments in the folders given. With `--warn` it prints only what is over a limit. It never fails.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

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

if (import.meta.main) {
  const root = dirname(dirname(fileURLToPath(import.meta.url)));
  const read = (path: string): string => readFileSync(join(root, path), 'utf8');
  const pages = readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md') && name !== 'providers.md');
  const paths = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md', ...pages.map((name) => `docs/${name}`)];
  const figures = new Map(paths.map((path) => [path, measureMarkdown(read(path))]));
  for (const folder of process.argv.slice(2).filter((argument) => argument !== '--warn')) {
    const files = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' });
    const sources = files.filter((name) => name.endsWith('.ts')).map((name) => read(join(folder, name)));
    figures.set(`${folder} (doc comments)`, measureDocComments(sources.join('\n')));
  }
  const isOver = (page: ProseFigures): boolean =>
    (Object.keys(limits) as (keyof typeof limits)[]).some((name) => page[name] > limits[name]);
  const shown = [...figures].filter(([, page]) => !process.argv.includes('--warn') || isOver(page));
  if (shown.length > 0) console.table(Object.fromEntries(shown));
}
