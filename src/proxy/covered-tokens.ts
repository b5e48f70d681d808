import type { GrantTokens } from '../provider-kit/health-provider.js';
import type { ProviderResponse } from '../provider-kit/http/http-message.js';

/** Least length of a covered text: shorter ones could be anything. */
const leastLength = 8;
/** Length of the beginning of a token that is searched in a response. The rest is compared only at its places. */
const firstLength = 8;
const nextLength = 32;
/** Letters and digits of a token that are searched first, which takes next to no time. */
const anchorLength = 16;
/** The most bytes of one character of a token in the common spellings. */
const widestCharacter = 24;

/** Names that HTML has for characters of tokens. */
const entityNames: Readonly<Record<string, string>> = {
  ...{
    '!': 'excl',
    '"': 'quot',
    '#': 'num',
    $: 'dollar',
    '%': 'percnt',
    '&': 'amp',
    "'": 'apos',
    '(': 'lpar',
    ')': 'rpar',
  },
  ...{
    '*': 'ast',
    '+': 'plus',
    ',': 'comma',
    '.': 'period',
    '/': 'sol',
    ':': 'colon',
    ';': 'semi',
    '<': 'lt',
    '=': 'equals',
  },
  ...{
    '>': 'gt',
    '?': 'quest',
    '@': 'commat',
    '[': 'lsqb',
    '\\': 'bsol',
    ']': 'rsqb',
    '^': 'Hat',
    _: 'lowbar',
    '`': 'grave',
  },
  ...{ '{': 'lcub', '|': 'vert', '}': 'rcub' },
};

/** Base64 has two alphabets (RFC 4648 section 5). */
const base64Twins: Readonly<Record<string, string>> = { '+': '+-', '/': '/_' };

/**
 * Covers a token, and its secret, with asterisks if a provider quotes them in a response, as some do in errors. Every
 * other byte and every length stays.
 *
 * A second line of defense, not a promise. It finds the whole token as it is, in UTF-16, and within base64. It also
 * finds it with any of its characters percent-encoded or escaped as in JSON or HTML, once or repeatedly. It does not
 * find a token that a provider splits, compresses or encrypts, nor one that a caller requests in parts with `Range`.
 *
 * @param response - its body is changed in place
 * @param grant - the tokens of the call
 */
export function coverTokens(
  response: ProviderResponse<Buffer>,
  { accessToken, tokenSecret }: GrantTokens,
): ProviderResponse<Buffer> {
  const needles = [accessToken, tokenSecret ?? ''].filter(({ length }) => length >= leastLength).flatMap(needlesOf);
  // One character for each byte, so that indexes in the text are indexes in the body.
  for (const { from, to } of findAll(response.body.toString('latin1'), needles)) {
    response.body.fill('*', from, to);
  }
  const cover = (text: string): string => {
    let covered = text;
    for (const { from, to } of findAll(text, needles)) {
      covered = covered.slice(0, from) + '*'.repeat(to - from) + covered.slice(to);
    }
    return covered;
  };
  const headers = Object.entries(response.headers).map(([name, value]) => [name, value && cover(value)] as const);
  return { ...response, headers: Object.fromEntries(headers) };
}

/** A part of a text, from one index to before another. */
interface Place {
  readonly from: number;
  readonly to: number;
}

/** A text to look for, in parts: each a pattern of some characters, all of their spellings. */
interface Needle {
  readonly length: number;
  /** Spellings of a run of letters and digits in the text. One of them occurs wherever the text occurs. */
  readonly anchors: readonly string[];
  readonly first: string;
  /** Patterns of all parts, made when they are needed: a token can have thousands of characters. */
  readonly parts: () => readonly RegExp[];
}

function findAll(text: string, needles: readonly Needle[]): Place[] {
  return findSurroundings(text, needles).flatMap(({ from, to }) =>
    findIn(text.slice(from, to), needles).map((place) => ({ from: from + place.from, to: from + place.to })),
  );
}

/** Returns candidate places in a text. They are around anchors, which native code finds. */
function findSurroundings(text: string, needles: readonly Needle[]): Place[] {
  const around: Place[] = needles.flatMap(({ anchors, length }) =>
    anchors.flatMap((anchor) => {
      const places: Place[] = [];
      const reach = length * widestCharacter;
      for (let at = text.indexOf(anchor); at !== -1; at = text.indexOf(anchor, at + reach)) {
        places.push({ from: Math.max(0, at - reach), to: Math.min(text.length, at + 2 * reach) });
      }
      return places;
    }),
  );
  const merged: Place[] = [];
  for (const { from, to } of around.sort((left, right) => left.from - right.from)) {
    const last = merged.at(-1);
    if (last !== undefined && from <= last.to) {
      merged[merged.length - 1] = { from: last.from, to: Math.max(to, last.to) };
    } else {
      merged.push({ from, to });
    }
  }
  return merged;
}

function findIn(text: string, needles: readonly Needle[]): Place[] {
  const places: Place[] = [];
  const beginnings = new RegExp(needles.map(({ first }) => first).join('|'), 'g');
  for (let match = beginnings.exec(text); match !== null; match = beginnings.exec(text)) {
    const from = match.index;
    const to = Math.max(...needles.map((needle) => endOf(text, from, needle)));
    if (to > from) {
      places.push({ from, to });
    }
    beginnings.lastIndex = Math.max(to, from + 1);
  }
  return places;
}

/** Returns the end of a needle that begins at a place; -1 if none begins there. */
function endOf(text: string, from: number, { parts }: Needle): number {
  let at = from;
  for (const part of parts()) {
    part.lastIndex = at;
    if (!part.test(text)) {
      return -1;
    }
    at = part.lastIndex;
  }
  return at;
}

/** Returns needles for the token itself, and for its base64 at each offset in a group of three bytes. */
function needlesOf(secret: string): Needle[] {
  const bytes = Buffer.from(secret);
  const shifted = [0, 1, 2].map((shift) => {
    const encoded = Buffer.concat([Buffer.alloc(shift), bytes]).toString('base64');
    // The characters that hold only bits of the token.
    return encoded.slice(Math.ceil((shift * 8) / 6), Math.floor(((shift + bytes.length) * 8) / 6));
  });
  return [
    toNeedle(bytes.toString('latin1'), () => ''),
    ...shifted.map((text) => toNeedle(text, (each) => base64Twins[each])),
  ];
}

function toNeedle(text: string, twinsOf: (character: string) => string | undefined): Needle {
  const patternOf = (from: number, to: number): string =>
    [...text.slice(from, to)]
      .map((each) => [...(twinsOf(each) || each)].map(spellingsOf).join('|'))
      .map((spellings) => `(?:${spellings})\\0?`)
      .join('');
  const first = patternOf(0, firstLength);
  let parts: RegExp[] | undefined;
  const partsOf = (): RegExp[] => {
    const patterns = [first];
    for (let at = firstLength; at < text.length; at += nextLength) {
      patterns.push(patternOf(at, at + nextLength));
    }
    return patterns.map((pattern) => new RegExp(pattern, 'y'));
  };
  return { length: text.length, anchors: anchorsOf(text), first, parts: () => (parts ??= partsOf()) };
}

/** Returns the spellings of a run of letters and digits. Few writers escape these, and then all of them. */
function anchorsOf(text: string): string[] {
  const runs = text.match(/[A-Za-z0-9]+/g) ?? [''];
  const run = runs.reduce((longest, each) => (each.length > longest.length ? each : longest)).slice(0, anchorLength);
  const escaped = (before: string): string[] => {
    const hex = [...Buffer.from(run)].map((byte) => before + byte.toString(16)).join('');
    return [hex, hex.replace(/[a-f]/g, (digit) => digit.toUpperCase())];
  };
  return [...new Set([run, [...run].join('\0'), ...escaped('%'), ...escaped('\\u00')])];
}

/**
 * A pattern of one character in all of its spellings. All repetitions are bounded, so that no response makes the search
 * slow.
 */
function spellingsOf(character: string): string {
  const code = character.charCodeAt(0);
  const hex = code
    .toString(16)
    .padStart(2, '0')
    .replace(/[a-f]/g, (digit) => `[${digit}${digit.toUpperCase()}]`);
  const name = entityNames[character];
  const entities = [`#[xX]0{0,6}${hex}`, `#0{0,6}${code}`, ...(name === undefined ? [] : [name])];
  return [
    `\\\\{0,8}\\x${code.toString(16).padStart(2, '0')}`,
    `%(?:25){0,8}${hex}`,
    `\\\\{1,8}u00${hex}`,
    `&(?:amp;){0,8}(?:${entities.join('|')});`,
  ].join('|');
}
