import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { format, resolveConfig } from 'prettier';
import { fillFromDiscovery, readDiscovery, type Discovered } from './provider-discovery.ts';

/**
 * `npm run provider:new -- acme --oauth2`: writes a provider's folder, its line in the list, and its block in
 * `.env.example`.
 */

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const usage =
  'Usage: npm run provider:new -- <slug> --oauth2 [--discovery <url>] (or --oauth1), for example acme --oauth2.';

/** The version of OAuth in the names of the kit's classes. */
export type OAuthVersion = '1' | '2';

/** The order cannot be carried out. The message is for the caller. */
class RefusedError extends Error {}

/**
 * Returns the files of a new provider, by path below its folder.
 *
 * @param slug - lower-case words joined by `-`
 * @param checkedOn - when the facts are looked up: `YYYY-MM-DD`
 */
export async function renderProvider(
  slug: string,
  version: OAuthVersion,
  checkedOn: string,
): Promise<ReadonlyMap<string, string>> {
  const ofVersion = (part: string, type = 'ts'): string => `${part}.oauth${version}.${type}`;
  const templates: readonly (readonly [path: string, template: string])[] = [
    [`${slug}.module.ts`, 'module.ts'],
    [`${slug}.provider.spec.ts`, 'provider.spec.ts'],
    [`${slug}.definition.ts`, ofVersion('definition')],
    [`${slug}.sandbox.ts`, ofVersion('sandbox')],
    ['facts.json', ofVersion('facts', 'json')],
    ['README.md', 'README.md'],
  ];
  const files = new Map<string, string>();
  for (const [path, template] of templates) {
    const text = fillIn(await readTemplate(template), { ...namesOf(slug), ...protocolOf(version), checkedOn });
    files.set(path, path.endsWith('.md') ? text : await prettify(path, text));
  }
  return files;
}

/**
 * Adds a provider to the text of `providers.module.ts`, in the order of the slugs.
 *
 * @throws RefusedError when the file has another form than one import and one list entry for each provider
 */
export async function addToList(text: string, slug: string): Promise<string> {
  const line = /^import \{ (\w+) \} from '\.\/([^/]+)\/[^']+';\n/gm;
  const modules = [...text.matchAll(line)].map(([, name = '', folder = '']) => ({ name, folder }));
  const list = /imports: \[([^\]]*)\]/.exec(text)?.[1];
  const listed =
    list
      ?.split(',')
      .map((name) => name.trim())
      .filter((name) => name !== '') ?? [];
  const [first] = text.match(line) ?? [];
  if (
    first === undefined ||
    listed.toSorted().join() !==
      modules
        .map(({ name }) => name)
        .toSorted()
        .join()
  ) {
    throw new RefusedError(
      'providers.module.ts does not have one import and one entry for each provider; fix it first.',
    );
  }
  const sorted = [...modules, { name: `${namesOf(slug).Pascal}Module`, folder: slug }].sort((left, right) =>
    left.folder < right.folder ? -1 : 1,
  );
  const imports = sorted.map(({ name, folder }) => `import { ${name} } from './${folder}/${folder}.module.js';\n`);
  const before = text.slice(0, text.indexOf(first));
  const after = text.slice(text.indexOf(first)).replace(line, '');
  const entries = sorted.map(({ name }) => name).join(', ');
  return prettify(
    'providers.module.ts',
    before + imports.join('') + after.replace(/imports: \[[^\]]*\]/, `imports: [${entries}]`),
  );
}

/** Adds a provider's variables at the end of the section for providers in `.env.example`. */
export async function addToEnvironment(text: string, slug: string): Promise<string> {
  const start = text.indexOf('# --- providers ');
  const end = start < 0 ? -1 : text.indexOf('\n# --- ', start + 1);
  const section = end < 0 ? text : text.slice(0, end);
  return (
    section.replace(/\n*$/, '\n') +
    fillIn(await readTemplate('environment'), namesOf(slug)) +
    (end < 0 ? '' : text.slice(end))
  );
}

/** Carries out the command line. Writes nothing unless everything can be written. */
async function createProvider(args: readonly string[]): Promise<string> {
  const { slug, version, discovery } = parseCommand(args);
  const folder = join(root, 'src/providers', slug);
  if (existsSync(folder)) {
    throw new RefusedError(`src/providers/${slug} exists already; choose another slug or remove that folder.`);
  }
  const list = join(root, 'src/providers/providers.module.ts');
  const environment = join(root, '.env.example');
  const checkedOn = new Date().toISOString().slice(0, 10);
  const rendered = await renderProvider(slug, version, checkedOn);
  const filled = discovery === undefined ? rendered : fillFromDiscovery(rendered, slug, await discover(discovery));
  const files = new Map([...filled].map(([path, text]) => [join(folder, path), text]));
  files.set(list, await addToList(await readFile(list, 'utf8'), slug));
  files.set(environment, await addToEnvironment(await readFile(environment, 'utf8'), slug));
  for (const [path, text] of files) {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
  }
  return `Written: src/providers/${slug}/, a line in src/providers/providers.module.ts, a block in .env.example.

Now, from the provider's documentation (docs/adding-a-provider.md explains each):
  1. src/providers/${slug}/facts.json               the documented facts
  2. src/providers/${slug}/${slug}.definition.ts   the facts that Cufflink uses
  3. src/providers/${slug}/${slug}.sandbox.ts      the requests that the provider expects, and its responses
  4. src/providers/${slug}/README.md
  5. npm run docs:providers
  6. npm run test:jest -- src/providers/${slug} src/architecture
     One test fails while a placeholder is left, and names it. Delete the test when it passes.
`;
}

async function discover(url: string): Promise<Discovered> {
  try {
    return await readDiscovery(url);
  } catch (error) {
    throw new RefusedError(error instanceof Error ? error.message : 'The discovery document cannot be read.');
  }
}

interface Order {
  readonly slug: string;
  readonly version: OAuthVersion;
  /** URL of the provider's discovery document. */
  readonly discovery: string | undefined;
}

function parseCommand(args: readonly string[]): Order {
  const { positionals, values } = parseFlags(args);
  const [slug] = positionals;
  if (slug === undefined || positionals.length > 1) {
    throw new RefusedError(`Name one slug. ${usage}`);
  }
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(slug)) {
    throw new RefusedError(`"${slug}" is no slug: take lower-case words joined by "-", such as acme or acme-band.`);
  }
  if (values.oauth1 === values.oauth2) {
    throw new RefusedError(`Say which OAuth the provider speaks, --oauth1 or --oauth2. ${usage}`);
  }
  if (values.discovery !== undefined && values.oauth1) {
    throw new RefusedError(`--discovery goes with --oauth2 only. ${usage}`);
  }
  return { slug, version: values.oauth1 ? '1' : '2', discovery: values.discovery };
}

function parseFlags(args: readonly string[]): {
  positionals: string[];
  values: { oauth1: boolean; oauth2: boolean; discovery?: string | undefined };
} {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        oauth1: { type: 'boolean', default: false },
        oauth2: { type: 'boolean', default: false },
        discovery: { type: 'string' },
      },
    });
  } catch (error) {
    throw new RefusedError(`${error instanceof Error ? error.message : 'Wrong arguments.'} ${usage}`);
  }
}

/** `acme-band` gives `acmeBand`, `AcmeBand`, `Acme Band` and `ACME_BAND`. */
function namesOf(slug: string): Record<'slug' | 'camel' | 'Pascal' | 'name' | 'prefix', string> {
  const words = slug.split('-').map((word) => word.charAt(0).toUpperCase() + word.slice(1));
  const Pascal = words.join('');
  return {
    slug,
    Pascal,
    camel: Pascal.charAt(0).toLowerCase() + Pascal.slice(1),
    name: words.join(' '),
    prefix: slug.toUpperCase().replaceAll('-', '_'),
  };
}

function protocolOf(version: OAuthVersion): Record<'version' | 'protocol', string> {
  return { version, protocol: version === '1' ? '1.0a' : '2.0' };
}

function readTemplate(name: string): Promise<string> {
  return readFile(join(root, 'scripts/provider-template', `${name}.txt`), 'utf8');
}

function fillIn(template: string, names: Readonly<Record<string, string>>): string {
  return template.replaceAll(/\{\{(\w+)\}\}/g, (_, name: string) => {
    const value = names[name];
    if (value === undefined) {
      throw new Error(`A template asks for {{${name}}}, which does not exist.`);
    }
    return value;
  });
}

async function prettify(path: string, text: string): Promise<string> {
  return format(text, { ...(await resolveConfig(join(root, 'package.json'))), filepath: path });
}

if (import.meta.main) {
  try {
    process.stdout.write(await createProvider(process.argv.slice(2)));
  } catch (error) {
    if (!(error instanceof RefusedError)) {
      throw error;
    }
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  }
}
