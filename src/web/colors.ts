/** A color as three numbers from 0 to 255. */
type Rgb = readonly [number, number, number];

/** The least contrast of text that WCAG 2.2 allows (success criterion 1.4.3). */
const leastContrast = 4.5;
/** How far each step of {@link readableOn} goes towards black or white. */
const step = 0.05;

/** Tells whether a text is a color of the form `#rrggbb`. */
export function isColor(text: string): boolean {
  return /^#[0-9a-f]{6}$/i.test(text);
}

/** Returns the contrast of two colors, from 1 to 21 (WCAG 2.2, "contrast ratio"). */
export function contrastOf(one: string, other: string): number {
  const [lighter = 0, darker = 0] = [luminanceOf(one), luminanceOf(other)].sort((left, right) => right - left);
  return (lighter + 0.05) / (darker + 0.05);
}

/**
 * Returns the color of text that can be read on a background: white where that suffices, black elsewhere. One of
 * the two always suffices.
 *
 * @param contrast - the least that suffices for white; 3 for large text
 */
export function textOn(background: string, contrast = leastContrast): string {
  return contrastOf('#ffffff', background) >= contrast ? '#ffffff' : '#000000';
}

/**
 * Returns a color for text that can be read on every one of the backgrounds. A color that cannot be read there is mixed
 * with the least sufficient share of black or white.
 *
 * @param backgrounds - all of them light, or all of them dark
 */
export function readableOn(color: string, backgrounds: readonly string[]): string {
  const isDark = backgrounds.every((background) => luminanceOf(background) < 0.18);
  for (let share = 0; share < 1; share += step) {
    const mixed = mix(color, isDark ? '#ffffff' : '#000000', share);
    if (backgrounds.every((background) => contrastOf(mixed, background) >= leastContrast)) {
      return mixed;
    }
  }
  return isDark ? '#ffffff' : '#000000';
}

/** Returns a color that follows from a text, dark enough for white on it. The same text always gives the same color. */
export function colorFor(text: string): string {
  let hue = 0;
  for (const character of text) {
    hue = (hue * 31 + (character.codePointAt(0) ?? 0)) % 360;
  }
  return readableOn(fromHue(hue), ['#ffffff']);
}

function fromHue(hue: number): string {
  const channel = (offset: number): number => {
    const position = (offset + hue / 30) % 12;
    return Math.round(255 * (0.45 - 0.3 * Math.max(-1, Math.min(position - 3, 9 - position, 1))));
  };
  return format([channel(0), channel(8), channel(4)]);
}

function mix(color: string, other: string, share: number): string {
  const [from, to] = [parse(color), parse(other)];
  const blend = (at: 0 | 1 | 2): number => Math.round(from[at] + (to[at] - from[at]) * share);
  return format([blend(0), blend(1), blend(2)]);
}

function luminanceOf(color: string): number {
  const [red, green, blue] = parse(color).map((value) => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }) as unknown as Rgb;
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function parse(color: string): Rgb {
  const value = Number.parseInt(color.slice(1), 16);
  return [(value >> 16) & 0xff, (value >> 8) & 0xff, value & 0xff];
}

function format(color: Rgb): string {
  return `#${color.map((value) => value.toString(16).padStart(2, '0')).join('')}`;
}
