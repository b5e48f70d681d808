import { describe, expect, it } from '@jest/globals';
import { measureDocComments, measureMarkdown } from '../../scripts/prose-figures.js';

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
