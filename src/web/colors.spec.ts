import { describe, expect, it } from '@jest/globals';
import { colorFor, contrastOf, isColor, readableOn, textOn } from './colors.js';

const light = ['#ffffff', '#f6f8fa'];
const dark = ['#0d1117', '#161b22'];
/** Every corner of the cube of colors, its center, and some between. */
const colors = ['00', '4d', '80', 'b3', 'ff'].flatMap((red) =>
  ['00', '80', 'ff'].flatMap((green) => ['00', '80', 'ff'].map((blue) => `#${red}${green}${blue}`)),
);

describe('a color', () => {
  it.each([
    ['#ffffff', '#000000', 21],
    ['#ffffff', '#767676', 4.54],
    ['#0000ff', '#ffffff', 8.59],
    ['#123456', '#123456', 1],
  ])('has the contrast of the WCAG: %s on %s is %f', (one, other, contrast) => {
    expect(contrastOf(one, other)).toBeCloseTo(contrast, 2);
  });

  it.each(colors)('is shaded as far as it can be read, on light and on dark pages: %s', (color) => {
    for (const backgrounds of [light, dark]) {
      const shade = readableOn(color, backgrounds);
      expect(Math.min(...backgrounds.map((background) => contrastOf(shade, background)))).toBeGreaterThanOrEqual(4.5);
      expect(contrastOf(textOn(shade), shade)).toBeGreaterThanOrEqual(4.5);
    }
    expect(contrastOf(textOn(color), color)).toBeGreaterThanOrEqual(4.5);
  });

  it('stays as it is where it can be read', () => {
    expect(readableOn('#1f5fbf', light)).toBe('#1f5fbf');
    expect(readableOn('#7ab0ff', dark)).toBe('#7ab0ff');
  });

  it('follows from a text, the same each time, with white text on it', () => {
    const slugs = ['whoop', 'oura', 'polar', 'withings', ''];
    expect(slugs.map(colorFor)).toEqual(slugs.map(colorFor));
    expect(new Set(slugs.map(colorFor)).size).toBe(slugs.length);
    expect(slugs.map((slug) => textOn(colorFor(slug)))).toEqual(slugs.map(() => '#ffffff'));
  });

  it.each([
    ['#1f5fbf', true],
    ['#1F5FBF', true],
    ['1f5fbf', false],
    ['#fff', false],
    ['#1f5fbf;}', false],
    ['red', false],
  ])('has one form only: %s is one: %s', (text, expected) => {
    expect(isColor(text)).toBe(expected);
  });
});
