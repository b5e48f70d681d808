import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { auditActions } from './audit/audit-event.js';
import { errorActors } from './errors/error-code.js';

const src = dirname(fileURLToPath(import.meta.url));
const root = dirname(src);

/** The folders of ours that each folder may import. A folder that is not named here does not belong here. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  redaction: [],
  errors: [],
  web: ['errors', 'config'],
  config: ['redaction'],
  clock: ['errors'],
  database: ['redaction', 'errors', 'config', 'clock'],
  'provider-kit': ['redaction', 'errors', 'config', 'clock'],
  vault: ['redaction', 'errors', 'config', 'database', 'clock'],
  audit: ['errors', 'config', 'clock', 'database', 'vault'],
  events: ['errors', 'config', 'clock', 'database', 'vault', 'access', 'http'],
  tokens: ['redaction', 'errors', 'config', 'clock', 'database', 'provider-kit', 'vault', 'audit', 'events'],
  fleet: ['errors', 'clock', 'database', 'provider-kit', 'tokens'],
  access: ['errors', 'config', 'clock', 'database', 'provider-kit', 'vault', 'http', 'audit'],
  http: ['config', 'errors', 'web', 'access', 'provider-kit'],
  idempotency: ['errors', 'clock', 'database', 'vault', 'access', 'http'],
  moving: ['errors', 'vault', 'tokens', 'access', 'http', 'audit', 'idempotency'],
  subscriptions: ['errors', 'config', 'clock', 'database', 'provider-kit', 'vault', 'tokens', 'events'],
  hooks: ['errors', 'clock', 'database', 'provider-kit', 'tokens', 'events', 'subscriptions', 'access', 'http'],
  links: [
    'errors',
    'web',
    'config',
    'clock',
    'database',
    'provider-kit',
    'vault',
    'tokens',
    'access',
    'http',
    'audit',
    'idempotency',
  ],
  connections: ['errors', 'clock', 'database', 'provider-kit', 'tokens', 'fleet', 'access', 'http', 'audit'],
  proxy: ['errors', 'clock', 'provider-kit', 'tokens', 'access', 'http', 'audit'],
  'connect-page': ['errors', 'web', 'provider-kit', 'tokens', 'audit', 'links', 'access', 'http'],
  console: [
    'errors',
    'web',
    'config',
    'clock',
    'database',
    'provider-kit',
    'vault',
    'audit',
    'tokens',
    'fleet',
    'connections',
    'webhooks',
    'links',
    'access',
    'http',
    'cli',
  ],
  webhooks: ['errors', 'clock', 'database', 'provider-kit', 'vault', 'audit', 'events', 'access', 'http'],
  users: [
    'errors',
    'config',
    'database',
    'vault',
    'tokens',
    'events',
    'subscriptions',
    'hooks',
    'links',
    'access',
    'http',
    'audit',
  ],
  ops: ['redaction', 'errors', 'config', 'clock', 'database', 'vault', 'tokens', 'access', 'http', 'audit'],
  sandbox: ['errors', 'web', 'provider-kit'],
  providers: ['errors', 'config', 'provider-kit'],
  cli: [
    'redaction',
    'errors',
    'config',
    'clock',
    'database',
    'provider-kit',
    'vault',
    'tokens',
    'fleet',
    'access',
    'connections',
    'links',
    'users',
    'providers',
    'development',
    'audit',
    'events',
    'webhooks',
    'web',
    'moving',
    'subscriptions',
  ],
  demo: ['web', 'access', 'http'],
  development: ['errors', 'config', 'access', 'provider-kit', 'sandbox', 'demo'],
};

/**
 * The rooms that each room of a folder may import. Files beside the rooms are the folder's front: every room may use
 * them, and they may use every room. Between rooms the arrows point one way.
 */
const rooms: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  tokens: {
    // Of the store only the types of rows.
    policy: ['store'],
    store: ['policy'],
    accounts: ['store'],
    'circuit-breaker': [],
    revocation: ['accounts', 'policy', 'store'],
    refresh: ['circuit-breaker', 'policy', 'revocation', 'store'],
    scheduler: ['policy', 'refresh', 'store'],
    migration: ['accounts', 'refresh', 'revocation', 'store'],
    freeze: ['policy', 'store'],
    import: ['accounts', 'store'],
  },
  links: {
    store: [],
    callback: ['store'],
    sessions: ['store'],
  },
  sandbox: {
    http: [],
    grants: [],
    pages: ['http'],
    consent: ['grants', 'http', 'pages'],
    'data-api': ['http'],
    oauth1: ['consent', 'data-api', 'grants', 'http'],
    oauth2: ['consent', 'data-api', 'grants', 'http', 'pages'],
    orders: ['http'],
    testing: [],
  },
  'provider-kit': {
    definition: [],
    http: [],
    requests: ['definition', 'http'],
    responses: ['definition', 'http'],
    oauth1: ['definition', 'http', 'requests', 'responses'],
    oauth2: ['definition', 'http', 'requests', 'responses'],
    client: ['definition', 'http', 'oauth1', 'oauth2', 'requests', 'responses'],
    'data-api': ['http', 'oauth1'],
    notifications: ['client', 'definition', 'http', 'requests', 'responses'],
    strategies: ['client', 'definition', 'http', 'oauth2', 'responses'],
    testing: [
      'client',
      'definition',
      'http',
      'notifications',
      'oauth1',
      'oauth2',
      'requests',
      'responses',
      'strategies',
    ],
  },
};

/** Files at the top put the folders together; development adds the application that it starts. */
const compositionFiles = [
  'app.module.ts',
  'development.module.ts',
  'worker.module.ts',
  'process.module.ts',
  'serve.ts',
  'main.ts',
  'tracing.ts',
];
const lazyImports: Readonly<Record<string, readonly string[]>> = {
  'development/development.ts': ['serve.ts', 'development.module.ts'],
};

interface SourceFile {
  readonly path: string;
  readonly folder: string;
  readonly text: string;
  readonly imports: readonly string[];
}

const files: SourceFile[] = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts') && !path.endsWith('.d.ts'))
  .map((path) => {
    const text = readFileSync(join(src, path), 'utf8');
    const specifiers = [...text.matchAll(/(?:from|import)\s*\(?\s*'(\.{1,2}\/[^']+)'/g)].map((match) => match[1] ?? '');
    const imports = specifiers.map((specifier) =>
      relative(src, resolve(src, dirname(path), specifier)).replace(/\.js$/, '.ts'),
    );
    return { path, folder: path.includes('/') ? (path.split('/')[0] ?? '') : '', text, imports };
  });

/** The room of a file in a folder of its folder. */
function roomOf(path: string): string | undefined {
  const steps = path.split('/');
  return steps.length > 2 ? steps[1] : undefined;
}

const production = files.filter(({ path }) => !path.endsWith('.spec.ts') && !path.includes('/testing/'));
const slugs = readdirSync(join(src, 'providers'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name);

describe('architecture', () => {
  it('reads the source at all', () => {
    expect(production.length).toBeGreaterThan(80);
    expect(production.flatMap(({ imports }) => imports).length).toBeGreaterThan(200);
  });

  it('knows every folder', () => {
    const folders = new Set(production.map(({ folder }) => folder).filter((folder) => folder !== ''));
    expect([...folders].filter((folder) => !(folder in allowed))).toEqual([]);
  });

  it('lets a folder import only allowed folders', () => {
    const wrong = production.flatMap(({ path, folder, imports }) =>
      imports
        .filter((target) => !compositionFiles.includes(path) && !lazyImports[path]?.includes(target))
        .filter((target) => {
          const targetFolder = target.includes('/') ? (target.split('/')[0] ?? '') : '';
          return targetFolder !== folder && !allowed[folder]?.includes(targetFolder);
        })
        .map((target) => `${path} imports ${target}`),
    );
    expect(wrong).toEqual([]);
  });

  it('has the same imports in docs/architecture.md', () => {
    const page = readFileSync(join(root, 'docs/architecture.md'), 'utf8');
    const rows = [...page.matchAll(/^\| `([a-z-]+)` \| [^|]+ \|((?: `[a-z-]+`)*) \|$/gm)];
    const documented = rows.map(([, folder, names = '']) => [folder, names.trim().replaceAll('`', '').split(' ')]);
    expect(Object.fromEntries(documented)).toEqual(
      Object.fromEntries(Object.entries(allowed).map(([folder, names]) => [folder, names.length ? names : ['']])),
    );
  });

  it('lets a room import only the rooms that it may', () => {
    const wrong = files
      .filter(({ path, folder }) => folder in rooms && !path.endsWith('.spec.ts'))
      .flatMap(({ path, folder, imports }) =>
        imports
          .filter((target) => target.startsWith(`${folder}/`))
          .filter((target) => {
            const [room, targetRoom] = [roomOf(path), roomOf(target)];
            const isOpen = room === undefined || targetRoom === undefined || room === targetRoom;
            return !isOpen && rooms[folder]?.[room]?.includes(targetRoom) !== true;
          })
          .map((target) => `${path} imports ${target}`),
      );
    expect(wrong).toEqual([]);
  });

  it('knows every room', () => {
    const found = files
      .filter(({ folder }) => folder in rooms)
      .flatMap(({ path, folder }) => (roomOf(path) === undefined ? [] : [`${folder}/${roomOf(path)}`]));
    const known = Object.entries(rooms).flatMap(([folder, each]) =>
      Object.keys(each).map((room) => `${folder}/${room}`),
    );
    expect([...new Set(found)].sort()).toEqual(known.sort());
  });

  it('has no circle of imports', () => {
    const importsOf = new Map(production.map(({ path, imports }) => [path, imports]));
    const done = new Set<string>();
    const findCircle = (path: string, above: readonly string[]): readonly string[] | undefined => {
      if (above.includes(path)) {
        return [...above.slice(above.indexOf(path)), path];
      }
      if (done.has(path)) {
        return undefined;
      }
      for (const target of importsOf.get(path) ?? []) {
        const circle = findCircle(target, [...above, path]);
        if (circle !== undefined) {
          return circle;
        }
      }
      done.add(path);
      return undefined;
    };
    const circles = [...importsOf.keys()].map((path) => findCircle(path, [])).filter((circle) => circle !== undefined);
    expect(circles).toEqual([]);
  });

  it('lets no provider know another provider', () => {
    const wrong = production.flatMap(({ path, imports }) => {
      const [folder, slug] = path.split('/');
      return folder === 'providers' && path.split('/').length > 2
        ? imports
            .filter((target) => target.startsWith('providers/') && !target.startsWith(`providers/${slug}/`))
            // Code that two APIs of one company share is beside their folders, and knows neither.
            .filter((target) => target.split('/').length > 2 || target.endsWith('.module.ts'))
        : [];
    });
    expect(wrong).toEqual([]);
  });

  it('lists every provider folder, and has every file a provider needs', () => {
    const list = readFileSync(join(src, 'providers/providers.module.ts'), 'utf8');
    const environment = readFileSync(join(root, '.env.example'), 'utf8');
    for (const slug of slugs) {
      expect(list).toContain(`'./${slug}/${slug}.module.js'`);
      expect(environment).toContain(`${slug.toUpperCase().replaceAll('-', '_')}_CLIENT_ID=`);
      const own = readdirSync(join(src, 'providers', slug));
      expect(own).toEqual(
        expect.arrayContaining(
          ['module', 'definition', 'sandbox', 'provider.spec']
            .map((part) => `${slug}.${part}.ts`)
            .concat('README.md', 'facts.json'),
        ),
      );
    }
  });

  it('names no provider in the core', () => {
    // `development` shows a newcomer one link to try.
    const core = production.filter(({ folder }) => folder !== 'providers' && folder !== 'development');
    const names = slugs.flatMap((slug) => [`'${slug}'`, `"${slug}"`, `/${slug}/`]);
    const documented = /^\s*(\*|\/\/|@Api|.*example:)/;
    const wrong = core.flatMap(({ path, text }) =>
      text
        .split('\n')
        .filter((line) => !documented.test(line) && names.some((name) => line.includes(name)))
        .map((line) => `${path}: ${line.trim()}`),
    );
    expect(wrong).toEqual([]);
  });

  it('has no default export, no barrel and no folder for odds and ends', () => {
    expect(production.filter(({ text }) => /^export default /m.test(text)).map(({ path }) => path)).toEqual([]);
    expect(production.filter(({ path }) => /(^|\/)(index\.ts|common|shared|utils|helpers)(\/|$)/.test(path))).toEqual(
      [],
    );
  });

  it('uses ciphers in the vault only (CR-02)', () => {
    const wrong = production.filter(({ folder, text }) => folder !== 'vault' && /create(C|Dec)ipheriv|hkdf/.test(text));
    expect(wrong.map(({ path }) => path)).toEqual([]);
    // These keep what they hold out of the heap, and encrypt nothing with it (CR-17).
    const keyObjects = production.filter(({ folder, text }) => folder !== 'vault' && text.includes('createSecretKey'));
    expect(keyObjects.map(({ path }) => path).sort()).toEqual([
      'provider-kit/definition/secret.ts',
      'redaction/known-secrets.ts',
    ]);
  });

  it('sends requests through the one HTTP client (NET-01)', () => {
    // The operator runs the vault's key services. Development, demo and sandbox never run in production.
    const exempt = ['vault', 'development', 'demo', 'sandbox'];
    // `doctor --url` asks a service of the operator, at a URL that the operator names.
    const client = [
      'provider-kit/http/http-client.ts',
      'provider-kit/http/http-exchange.ts',
      'provider-kit/http/origin-connections.ts',
      'cli/check-running-service.ts',
      // Runs in the browser, whose policy lets it ask this service only.
      'console/console-script.ts',
    ];
    const wrong = production.filter(
      ({ path, folder, text }) =>
        !client.includes(path) &&
        !exempt.includes(folder) &&
        /\bfetch\(|from 'undici'|\b(connect|createConnection|request|get|Agent)\b[^;]* from 'node:(https?|http2|net|tls)'/.test(
          text,
        ),
    );
    expect(wrong.map(({ path }) => path)).toEqual([]);
  });

  it('documents every error code, and documents no other', () => {
    const page = readFileSync(join(root, 'docs/errors.md'), 'utf8');
    const documented = [...page.matchAll(/^\| `([A-Z_]+)` \|/gm)].map((match) => match[1]);
    expect(documented.sort()).toEqual(Object.keys(errorActors).sort());
  });

  it('documents every metric, and documents no other', () => {
    const page = readFileSync(join(root, 'docs/operations.md'), 'utf8');
    const cells = [...page.matchAll(/^\| ((?:`(?:cufflink|process)_[a-z_]+`(?:, )?)+) \|/gm)].map(
      (match) => match[1] ?? '',
    );
    const documented = cells.flatMap((cell) => [...cell.matchAll(/`([a-z_]+)`/g)].map((match) => match[1]));
    const named = files.flatMap(({ text }) => [...text.matchAll(/name: '((?:cufflink|process)_[a-z_]+)'/g)]);
    expect(documented.sort()).toEqual(named.map((match) => match[1]).sort());
  });

  it('documents every action of the audit trail, and documents no other', () => {
    const page = readFileSync(join(root, 'docs/audit.md'), 'utf8');
    const cells = [...page.matchAll(/^\| (`[a-z_]+\.[^|]+) \|/gm)].map((match) => match[1] ?? '');
    const documented = cells.flatMap((cell) => [...cell.matchAll(/`([a-z_.]+)`/g)].map((match) => match[1]));
    expect(documented.sort()).toEqual([...auditActions].sort());
  });
});
