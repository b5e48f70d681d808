/**
 * Shows that the contract suite can fail. Flips each quirk that a provider declares, one at a time in a copy of the
 * project, and runs that provider's spec. Every flip must make a case fail. Survivors are listed, and end the run with
 * status 1.
 *
 * Usage: npm run test:mutation-providers [-- slug ...]
 */
import { spawn } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

interface Flip {
  readonly quirk: string;
  readonly flipped: string;
}

/** Quirks with a value that has an opposite. */
const opposites: readonly (readonly [quirk: string, pattern: RegExp, opposite: Readonly<Record<string, string>>])[] = [
  ['PKCE', /\bpkce: '(\w+)'/, { required: 'unsupported', supported: 'unsupported', unsupported: 'required' }],
  [
    'client authentication',
    /\bclientAuthentication: '([\w-]+)',\n {2}\w/,
    { basic: 'body', body: 'basic', none: 'basic', 'es256-jwt': 'body' },
  ],
  ['place of the token parameters', /\btokenParametersIn: '(\w+)'/, { header: 'form', form: 'query', query: 'header' }],
  ['signature method', /\bsignatureMethod: '([\w-]+)'/, { 'HMAC-SHA1': 'HMAC-SHA256', 'HMAC-SHA256': 'HMAC-SHA1' }],
  ['rotation', /\brotates: '(\w+)'/, { always: 'never', sometimes: 'never', never: 'always' }],
  ['separator', /\bscopeSeparator: '(.)'/, { ' ': ',', ',': ' ', ';': ',' }],
  [
    'granted scopes',
    /\bgrantedScopesIn: '([\w-]+)'/,
    { 'token-response': 'nowhere', callback: 'nowhere', nowhere: 'callback' },
  ],
  [
    'proof of revocation',
    /\bproof: '(\w+)'/,
    { bearer: 'query', client: 'bearer', token: 'bearer', query: 'bearer', signature: 'bearer' },
  ],
  // The other proofs go with POST only.
  [
    'method of revocation',
    /\bproof: '(?:bearer|query|signature)',\s+method: '(\w+)'/,
    { POST: 'DELETE', DELETE: 'POST', GET: 'DELETE' },
  ],
  ['account', /\baccount: \{ from: '([\w-]+)'/, { api: 'nowhere', 'token-response': 'nowhere', 'id-token': 'nowhere' }],
];

/** How the ID token tells the user; often in one line with `from`. */
const ofIdToken = ['jwksUrl', 'algorithms', 'claim', 'formerClaim'];

/** Quirks that are there or not: taken away by giving the field a name that nobody reads. */
const removable = [
  'refreshUrl',
  'refreshExtendsToken',
  'neverExpires',
  'noRefreshToken',
  'scopeParameter',
  'extraAuthorizeParams',
  'extraTokenParams',
  'scopeOnExchange',
  'scopeOnRefresh',
  'redirectUriOnRefresh',
  'codeParameters',
  'deniedError',
  'nonce',
  'refreshExpiresInField',
  'parseErrorCode',
  'plainTextErrors',
  'authorizeRoute',
  'headers',
  'deadGrantErrors',
  'responseDialect',
  'status',
  'bodyField',
  'fieldNames',
  'noTokenType',
  'goneStatus',
  'issuers',
  ...ofIdToken,
];

/** Facts of the proofs of notifications, in a file of their own. */
const ofProofs: readonly (readonly [quirk: string, pattern: RegExp, opposite: Readonly<Record<string, string>>])[] = [
  ['algorithm', /\balgorithm: '(\w+)'/, { sha1: 'sha256', sha256: 'sha1' }],
  ['encoding', /\bencoding: '(\w+)'/, { hex: 'base64', base64: 'hex' }],
  ['secret', /\bsecret: '([\w-]+)'/, { 'client-secret': 'hook-secret', 'hook-secret': 'client-secret' }],
  ['signed text', /\bsigned: '([\w+]+)'/, { 'timestamp+body': 'body' }],
  ['unit', /\bunit: '(\w+)'/, { seconds: 'milliseconds', milliseconds: 'seconds' }],
  [
    'repeated secret',
    /\bequals: '([\w-]+)'/,
    {
      'client-id': 'client-secret',
      'client-secret': 'client-id',
      'hook-secret': 'client-id',
      'subscription-id': 'client-id',
    },
  ],
  [
    'kind of proof',
    /\bproof: \{\s*kind: '([\w-]+)'/,
    { hmac: 'none', jws: 'none', ecdsa: 'none', token: 'none', 'access-token': 'token', none: 'token' },
  ],
];
/** Their fields that are there or not, or name something. */
const removableOfProofs = ['secretSuffix', 'secretIsBase64', 'names'];
const namesOfProofs = /\b(header|headers|field|keysUrl): (\[?)'([^']+)'/g;

/** Facts of a server of its own that no test of a running provider can notice. */
const unnoticeable = ['brandColor', 'docsUrl', 'uncertain', 'sandbox'];

const project = resolve(import.meta.dirname, '..');
const copy = await mkdtemp(join(tmpdir(), 'cufflink-mutation-'));
const wanted = process.argv.slice(2);

try {
  for (const part of ['src', 'test', '.swcrc', 'package.json', 'jest.config.js']) {
    await cp(join(project, part), join(copy, part), { recursive: true });
  }
  await symlink(join(project, 'node_modules'), join(copy, 'node_modules'));
  await writeFile(
    join(copy, 'mutation.config.js'),
    `import config from './jest.config.js';
const { globalSetup, globalTeardown, reporters, ...rest } = config;
export default { ...rest, maxWorkers: 1 };
`,
  );
  const survivors = await run();
  process.exitCode = survivors.length === 0 ? 0 : 1;
} finally {
  await rm(copy, { recursive: true, force: true });
}

async function run(): Promise<string[]> {
  const entries = await readdir(join(project, 'src/providers'), { withFileTypes: true });
  const slugs = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  const unknown = wanted.filter((slug) => !slugs.includes(slug));
  if (unknown.length > 0) {
    throw new Error(`src/providers has no folder ${unknown.join(', ')}.`);
  }
  const queue = slugs.filter((slug) => wanted.length === 0 || wanted.includes(slug));
  const looked = queue.length;
  const survivors: string[] = [];
  let flips = 0;
  const work = async (): Promise<void> => {
    for (let slug = queue.shift(); slug !== undefined; slug = queue.shift()) {
      if (!(await passes(slug))) {
        survivors.push(`${slug}: its spec fails without any flip`);
        continue;
      }
      const all: Flip[] = [];
      const alive: string[] = [];
      for (const [part, findFlips] of [
        ['definition', flipsOf],
        ['notifications', flipsOfProofs],
      ] as const) {
        const file = join(copy, `src/providers/${slug}/${slug}.${part}.ts`);
        const original = await readFile(file, 'utf8').catch(() => '');
        for (const flip of findFlips(original)) {
          all.push(flip);
          await writeFile(file, flip.flipped);
          if (await passes(slug)) {
            alive.push(flip.quirk);
          }
          await writeFile(file, original);
        }
      }
      flips += all.length;
      survivors.push(...alive.map((quirk) => `${slug}: ${quirk}`));
      const outcome = alive.length === 0 ? 'all noticed' : `NOT NOTICED: ${alive.join(', ')}`;
      process.stdout.write(`${slug.padEnd(20)} ${String(all.length).padStart(3)} flips, ${outcome}\n`);
    }
  };
  await Promise.all(Array.from({ length: Math.min(2, availableParallelism()) }, work));
  process.stdout.write(
    `${looked} ${looked === 1 ? 'provider' : 'providers'}, ${flips} flips, ${survivors.length} survivors\n`,
  );
  for (const survivor of survivors) {
    process.stdout.write(`  ${survivor}\n`);
  }
  return survivors;
}

function flipsOf(definition: string): Flip[] {
  const takesNoScopes = /\bdefaultScopes: \[\]/.test(definition);
  const servers = /^ {2}servers: \{$.*?^ {2}\},$/ms.exec(definition);
  const isOfServer = (index: number): boolean =>
    servers !== null && index > servers.index && index < servers.index + servers[0].length;
  const replaced = (match: RegExpExecArray, text: string): string =>
    definition.slice(0, match.index) + text + definition.slice(match.index + match[0].length);

  const opposed = opposites.flatMap(([quirk, pattern, opposite]) =>
    [...definition.matchAll(new RegExp(pattern, 'g'))].flatMap((match) => {
      const [text, value = ''] = match;
      const other = opposite[value];
      // A separator of scopes means nothing if no scopes are sent.
      if (other === undefined || (quirk === 'separator' && takesNoScopes)) {
        return [];
      }
      return [{ quirk: `${quirk} ${value}`, flipped: replaced(match, text.replace(`'${value}'`, `'${other}'`)) }];
    }),
  );
  const removed = removable.flatMap((field) => {
    const found = new RegExp(`(${ofIdToken.includes(field) ? '^ +|, ' : '^ +'})${field}(: |,$)`, 'gm');
    const match = [...definition.matchAll(found)].find(({ index }) => !isOfServer(index));
    return match === undefined ? [] : [{ quirk: field, flipped: replaced(match, takeAway(match)) }];
  });
  const issuers = [...definition.matchAll(/\bissuers: \[[^\]]*\]/g)].flatMap((list) =>
    [...list[0].matchAll(/'([^']+)'/g)].map(([text, issuer = '']) => ({
      quirk: `issuer ${issuer}`,
      flipped: replaced(list, list[0].replace(text, "'https://flipped.example'")),
    })),
  );
  const ofServers = [...definition.matchAll(/^( {6})(\w+)(: )/gm)]
    .filter((match) => isOfServer(match.index) && !unnoticeable.includes(match[2] ?? ''))
    .map((match) => ({
      quirk: `${match[2]} of a server`,
      flipped: replaced(match, takeAway([...match].toSpliced(2, 1))),
    }));
  return [...opposed, ...removed, ...issuers, ...ofServers];
}

function flipsOfProofs(notifications: string): Flip[] {
  const replaced = ({ index, 0: found }: RegExpExecArray, text: string): string =>
    notifications.slice(0, index) + text + notifications.slice(index + found.length);
  const opposed = ofProofs.flatMap(([quirk, pattern, opposite]) =>
    [...notifications.matchAll(new RegExp(pattern, 'g'))].flatMap((match) => {
      const [text, value = ''] = match;
      const other = opposite[value];
      return other === undefined
        ? []
        : [{ quirk: `${quirk} ${value}`, flipped: replaced(match, text.replace(`'${value}'`, `'${other}'`)) }];
    }),
  );
  const removed = removableOfProofs.flatMap((field) =>
    [...notifications.matchAll(new RegExp(`\\b${field}: `, 'g'))].map((match) => ({
      quirk: field,
      flipped: replaced(match, 'takenAway: '),
    })),
  );
  // A handshake is no part of a proof.
  const proofs = /\bproof: \{.*?\n {6}\},|\bproof: \{[^\n]*\},/s.exec(notifications);
  const names = [...notifications.matchAll(namesOfProofs)]
    .filter(({ index }) => proofs !== null && index > proofs.index && index < proofs.index + proofs[0].length)
    .map((match) => ({
      quirk: `${match[1]} ${match[3]}`,
      flipped: replaced(
        match,
        match[0].replace(match[3] ?? '', match[1] === 'keysUrl' ? 'https://flipped.example/keys' : 'x-flipped'),
      ),
    }));
  return [...opposed, ...removed, ...names];
}

/** A shorthand field would need a value, so it goes as a whole. */
function takeAway([, before = '', end]: readonly string[]): string {
  return end === ',' ? '' : `${before}takenAway${end}`;
}

function passes(slug: string): Promise<boolean> {
  const jest = join('node_modules', 'jest', 'bin', 'jest.js');
  const child = spawn(process.execPath, [jest, '--config', 'mutation.config.js', '--bail', `src/providers/${slug}/`], {
    cwd: copy,
    env: { ...process.env, NODE_OPTIONS: '--experimental-vm-modules' },
    stdio: 'ignore',
  });
  return new Promise((done, failed) => {
    child.once('error', failed);
    child.once('exit', (code) => done(code === 0));
  });
}
