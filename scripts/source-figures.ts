import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import ts from 'typescript';

/** A source file of a checkout, with its path from the root. */
export interface SourceText {
  readonly path: string;
  readonly text: string;
}

export interface SourceFigures {
  readonly files: number;
  readonly lines: number;
  readonly longestFile: string;
  readonly longestLines: number;
  /** Groups of files that import each other. */
  readonly circles: number;
  /** Imports between files of the same folder of `src`, by folder. */
  readonly importsInside: Readonly<Record<string, number>>;
}

/** Folders whose inner imports are counted. */
const innerFolders = ['tokens', 'provider-kit'];
/** Properties and decorators whose texts callers and operators read. */
const textProperties = new Set(['description', 'summary', 'help']);

/** Reads the TypeScript files below a folder of a checkout. */
export function readSources(root: string, folder: string): SourceText[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => ({ path: join(folder, name), text: readFileSync(join(root, folder, name), 'utf8') }));
}

/** Counts files, lines and imports. */
export function measureSources(sources: readonly SourceText[]): SourceFigures {
  const sizes = sources.map(({ path, text }) => ({ path, lines: text.split('\n').length - 1 }));
  const longest = sizes.reduce((most, each) => (each.lines > most.lines ? each : most), { path: '', lines: 0 });
  const imports = new Map(sources.map((source) => [source.path, importsOf(source)]));
  const inner = innerFolders.map((folder) => {
    const isInside = (path: string): boolean => path.startsWith(join('src', folder) + '/');
    const counts = [...imports]
      .filter(([path]) => isInside(path))
      .map(([, targets]) => targets.filter(isInside).length);
    return [folder, counts.reduce((sum, count) => sum + count, 0)];
  });
  return {
    files: sizes.length,
    lines: sizes.reduce((sum, { lines }) => sum + lines, 0),
    longestFile: longest.path,
    longestLines: longest.lines,
    circles: countCircles(imports),
    importsInside: Object.fromEntries(inner) as Record<string, number>,
  };
}

function importsOf({ path, text }: SourceText): string[] {
  return [...text.matchAll(/(?:from|import)\s*\(?\s*'(\.{1,2}\/[^']+)'/g)].map(([, specifier = '']) =>
    relative('.', resolve(dirname(path), specifier)).replace(/\.js$/, '.ts'),
  );
}

/** Counts the groups of files that import each other, after Tarjan. */
function countCircles(imports: ReadonlyMap<string, readonly string[]>): number {
  const indices = new Map<string, number>();
  const lows = new Map<string, number>();
  const stack: string[] = [];
  let circles = 0;
  const visit = (path: string): number => {
    const index = indices.size;
    indices.set(path, index);
    stack.push(path);
    let low = index;
    for (const target of imports.get(path) ?? []) {
      if (!indices.has(target) && imports.has(target)) {
        low = Math.min(low, visit(target));
      } else if (stack.includes(target)) {
        low = Math.min(low, lows.get(target) ?? indices.get(target) ?? low);
      }
    }
    lows.set(path, low);
    if (low === index) {
      const group = stack.splice(stack.indexOf(path));
      circles += group.length > 1 ? 1 : 0;
    }
    return low;
  };
  for (const path of imports.keys()) {
    if (!indices.has(path)) {
      visit(path);
    }
  }
  return circles;
}

/** Returns the texts that callers and operators read: descriptions of the API, of metrics, and of errors. */
export function findApiTexts({ path, text }: SourceText): string[] {
  const texts: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isPropertyAssignment(node) && ts.isIdentifier(node.name) && textProperties.has(node.name.text)) {
      texts.push(textOf(node.initializer));
    }
    if (ts.isNewExpression(node) && ts.isIdentifier(node.expression) && /\wError$/.test(node.expression.text)) {
      texts.push(...(node.arguments ?? []).map(textOf));
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(path, text, ts.ScriptTarget.Latest));
  return texts.filter((each) => /\s/.test(each));
}

/** The text of a literal or of literals joined by `+`; a value in a template counts as a word. */
function textOf(node: ts.Expression): string {
  if (ts.isStringLiteralLike(node)) {
    return node.text;
  }
  if (ts.isTemplateExpression(node)) {
    return node.head.text + node.templateSpans.map(({ literal }) => `Value${literal.text}`).join('');
  }
  if (ts.isBinaryExpression(node)) {
    return textOf(node.left) + textOf(node.right);
  }
  return '';
}
