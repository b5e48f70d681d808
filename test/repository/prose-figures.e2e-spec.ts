import { describe, expect, it } from '@jest/globals';
import { measureDocComments, measureMarkdown } from '../../scripts/prose-figures.js';
import { findApiTexts, measureSources } from '../../scripts/source-figures.js';

const figures = { words: 0, wordsPerSentence: 0, longest: 0, longLines: 0, longestCell: 0 };

describe('measureMarkdown', () => {
  it('counts words of sentences, in paragraphs and in items of lists', () => {
    const page = 'One two three. `a b c` four\nfive, e.g. six!\n\n- Seven [eight](http://nine.example)\n- ten\n';
    expect(measureMarkdown(page)).toEqual({ ...figures, words: 11, wordsPerSentence: 2.8, longest: 5 });
  });

  it('leaves out code, headings and HTML comments', () => {
    expect(measureMarkdown('# One two\n\n```sh\nthree four\n```\n\n<!-- five\nsix -->\n')).toEqual(figures);
  });

  it('measures cells of tables apart from sentences', () => {
    const table = `| one two | three ${'x'.repeat(120)} four five |\n|---|---|\n`;
    expect(measureMarkdown(table)).toEqual({ ...figures, longestCell: 4 });
  });

  it('counts lines of more than 120 characters', () => {
    expect(measureMarkdown(`${'x'.repeat(121)}\n${'x'.repeat(120)}\n`).longLines).toBe(1);
  });
});

describe('measureDocComments', () => {
  it('counts words of doc comments, and long lines of all comments', () => {
    const source = `/**\n * One two. Three\n *\n * @returns four\n */\nconst five = 'six';\n// ${'x'.repeat(121)}\n`;
    expect(measureDocComments(source)).toEqual({
      ...figures,
      words: 5,
      wordsPerSentence: 1.7,
      longest: 2,
      longLines: 1,
    });
  });
});

describe('measureSources', () => {
  it('counts files, lines, imports inside a folder, and groups of files that import each other', () => {
    const sources = [
      { path: 'src/tokens/a.ts', text: "import { b } from './b.js';\nimport { e } from '../errors/e.js';\n" },
      { path: 'src/tokens/b.ts', text: "import { c } from './store/c.js';\n" },
      { path: 'src/tokens/store/c.ts', text: "import type { A } from '../a.js';\n" },
      { path: 'src/errors/e.ts', text: "import { f } from './f.js';\n" },
      { path: 'src/errors/f.ts', text: '// nothing\n' },
    ];
    expect(measureSources(sources)).toEqual({
      files: 5,
      lines: 6,
      longestFile: 'src/tokens/a.ts',
      longestLines: 2,
      circles: 1,
      importsInside: { tokens: 3, 'provider-kit': 0 },
    });
  });
});

describe('findApiTexts', () => {
  it('finds descriptions and messages of errors, joined and with values, and no other text', () => {
    const text = [
      "const documented = { description: 'One two.' + ' Three four.', example: 'not a text' };",
      'throw new SomeError(`It took ${seconds} seconds.`, { cause });',
      "log('not a text either');",
    ].join('\n');
    expect(findApiTexts({ path: 'a.ts', text })).toEqual(['One two. Three four.', 'It took Value seconds.']);
  });
});
