import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { check, resolveConfig } from 'prettier';
import { addToEnvironment, addToList, renderProvider } from '../../scripts/provider-new.js';
import { checkout } from '../support/service-process.js';

const checkedOn = '2026-11-30';
const generated = ['acme', 'zeta-band'] as const;

interface Finished {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function run(directory: string, args: readonly string[], environment: object = {}): Promise<Finished> {
  const child = spawn(process.execPath, args, {
    cwd: directory,
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text));
  await once(child, 'close');
  return { status: child.exitCode, ...output };
}

/** A copy of what the generator and its checks read, with the packages of this checkout. */
async function copyCheckout(): Promise<string> {
  const copy = await mkdtemp(join(tmpdir(), 'cufflink-generator-'));
  for (const part of [
    'src',
    'test/support',
    'scripts',
    'docs',
    '.env.example',
    '.prettierrc.json',
    '.swcrc',
    'jest.config.js',
    'package.json',
    'tsconfig.json',
  ]) {
    await cp(join(checkout, part), join(copy, part), { recursive: true });
  }
  await symlink(join(checkout, 'node_modules'), join(copy, 'node_modules'), 'dir');
  return copy;
}

/** Every file below the parts that the generator writes to, with its text. */
async function readWritten(copy: string): Promise<Record<string, string>> {
  const providers = await readdir(join(copy, 'src/providers'), { recursive: true, withFileTypes: true });
  const paths = providers.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const texts = [...paths, join(copy, '.env.example')].map(async (path) => [path, await readFile(path, 'utf8')]);
  return Object.fromEntries(await Promise.all(texts)) as Record<string, string>;
}

describe('the templates', () => {
  it.each([
    ['whoop', '2', 'WHOOP'],
    ['fatsecret', '1', 'FatSecret'],
  ] as const)('wire a provider as %s is wired, so that the two never drift apart', async (slug, version, name) => {
    const path = `${slug}.module.ts`;
    const text = (await renderProvider(slug, version, checkedOn)).get(path);
    expect(text?.replace(/^\/\*\* \w+:/m, `/** ${name}:`)).toBe(
      await readFile(join(checkout, 'src/providers', slug, path), 'utf8'),
    );
  });
});

describe('addToList', () => {
  const list = `import { Module } from '@nestjs/common';
import { AModule } from './a/a.module.js';
import { CModule } from './c/c.module.js';

/** The list. */
@Module({ imports: [AModule, CModule] })
export class ProvidersModule {}
`;

  it.each([
    ['a-b', ['AModule', 'ABModule', 'CModule']],
    ['b', ['AModule', 'BModule', 'CModule']],
    ['d', ['AModule', 'CModule', 'DModule']],
  ])('adds %s in the order of the slugs and keeps the rest', async (slug, modules) => {
    const text = await addToList(list, slug);
    expect([...text.matchAll(/^import \{ (\w+Module) \}/gm)].map(([, name]) => name)).toEqual(modules);
    expect(text).toContain(`/** The list. */\n@Module({ imports: [${modules.join(', ')}] })\n`);
    expect(text).toContain(`from './${slug}/${slug}.module.js';\n`);
    expect(text.startsWith("import { Module } from '@nestjs/common';\n")).toBe(true);
  });

  it('refuses a list with different imports and entries', async () => {
    await expect(addToList(list.replace('[AModule, ', '['), 'b')).rejects.toThrow('providers.module.ts');
    await expect(addToList('', 'b')).rejects.toThrow('providers.module.ts');
  });
});

describe('addToEnvironment', () => {
  const block = '\n# Acme Band: src/providers/acme-band/README.md\nACME_BAND_CLIENT_ID=\nACME_BAND_CLIENT_SECRET=\n';

  it('adds a block at the end of the section for providers', async () => {
    const text = '# --- tokens ---\nA=\n\n# --- providers ---\n\nB=\n';
    expect(await addToEnvironment(text, 'acme-band')).toBe(text + block);
    expect(await addToEnvironment(`${text}\n# --- last ---\nC=\n`, 'acme-band')).toBe(
      `${text}${block}\n# --- last ---\nC=\n`,
    );
  });
});

describe('npm run provider:new', () => {
  let copy: string;

  beforeAll(async () => {
    copy = await copyCheckout();
  });

  afterAll(() => rm(copy, { recursive: true, force: true }));

  function generate(...args: readonly string[]): Promise<Finished> {
    return run(copy, ['scripts/provider-new.ts', ...args]);
  }

  it('is the script of package.json', async () => {
    const { scripts } = JSON.parse(await readFile(join(checkout, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    };
    expect(scripts['provider:new']).toBe('node scripts/provider-new.ts');
  });

  it.each([
    ['no slug', ['--oauth2'], 'Name one slug.'],
    ['two slugs', ['acme', 'other', '--oauth2'], 'Name one slug.'],
    ['capitals', ['Acme', '--oauth2'], '"Acme" is no slug'],
    ['a path', ['../acme', '--oauth2'], '"../acme" is no slug'],
    ['two dashes', ['acme--x', '--oauth2'], '"acme--x" is no slug'],
    ['neither version', ['acme'], 'Say which OAuth the provider speaks'],
    ['both versions', ['acme', '--oauth1', '--oauth2'], 'Say which OAuth the provider speaks'],
    ['an unknown flag', ['acme', '--oauth3'], "'--oauth3'"],
    ['a folder that exists', ['whoop', '--oauth2'], 'src/providers/whoop exists already'],
  ])('refuses %s in one sentence, with status 1, and writes nothing', async (_, args, sentence) => {
    const before = await readWritten(copy);
    const { status, stdout, stderr } = await generate(...args);
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toContain(sentence);
    expect(stderr).not.toMatch(/\n\s+at /);
    expect(await readWritten(copy)).toEqual(before);
  });

  describe('having written one provider of each version', () => {
    beforeAll(async () => {
      for (const [slug, flag] of [
        [generated[0], '--oauth2'],
        [generated[1], '--oauth1'],
      ] as const) {
        const { status, stderr } = await generate(slug, flag);
        expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      }
    });

    it('leaves files that Prettier would not change', async () => {
      const options = (await resolveConfig(join(checkout, 'package.json'))) ?? {};
      const texts = Object.entries(await readWritten(copy)).filter(
        ([path]) =>
          /\.(ts|json)$/.test(path) && (generated.some((slug) => path.includes(slug)) || path.endsWith('.module.ts')),
      );
      for (const slug of generated) {
        expect(texts.filter(([path]) => path.includes(`/providers/${slug}/`))).toHaveLength(5);
      }
      for (const [filepath, text] of texts) {
        expect({ filepath, formatted: await check(text, { ...options, filepath }) }).toEqual({
          filepath,
          formatted: true,
        });
      }
    });

    it('compiles, is listed, and fails only because of placeholders', async () => {
      const [compiled, tested] = await Promise.all([compile(copy), runSpecs(copy)]);
      expect(compiled).toEqual({ status: 0, stdout: '', stderr: '' });
      const failed = tested.filter(({ status }) => status !== 'passed');
      expect(failed.map(({ title }) => title).sort()).toEqual(
        generated.map(
          (slug) =>
            `is filled in: no placeholder of the generator is left in ${slug}.definition.ts and ${slug}.sandbox.ts`,
        ),
      );
      for (const { message } of failed) {
        expect(message).toMatch(/authorizeUrl: https:\/\/[a-z-]+\.example\.invalid\/oauth\/authorize/);
      }
      expect(tested.filter(({ title }) => title.startsWith('lists every provider folder'))).toHaveLength(1);
      expect(tested.length).toBeGreaterThan(50);
    });

    it('is done when its own files are filled in: everything passes, and no file of the core was touched', async () => {
      for (const slug of generated) {
        for (const file of [`${slug}.definition.ts`, `${slug}.sandbox.ts`, 'facts.json']) {
          const path = join(copy, 'src/providers', slug, file);
          const filled = (await readFile(path, 'utf8'))
            .replaceAll('example.invalid', 'providers.example')
            .replaceAll('fill-in:read', 'sleep:read')
            .replaceAll(/To fill in: [^'"]*/g, 'Nothing.');
          await writeFile(path, filled);
        }
      }
      const [compiled, tested] = await Promise.all([compile(copy), runSpecs(copy)]);
      expect(compiled.status).toBe(0);
      expect(tested.filter(({ status }) => status !== 'passed')).toEqual([]);
      const own = generated.map((slug) => `src/providers/${slug}/`);
      expect(await changedFiles(copy)).toEqual(['.env.example', 'src/providers/providers.module.ts', ...own].sort());
    });
  });
});

/** The files below `src`, and `.env.example`, that differ from the checkout. A new folder counts once. */
async function changedFiles(copy: string): Promise<string[]> {
  const changed = new Set<string>();
  for (const path of ['.env.example', ...(await listFiles(copy)).map((file) => `src/${file}`)]) {
    const before = await readFile(join(checkout, path), 'utf8').catch(() => undefined);
    const folder = generated.find((slug) => path.startsWith(`src/providers/${slug}/`));
    if (before !== (await readFile(join(copy, path), 'utf8'))) {
      changed.add(folder === undefined ? path : `src/providers/${folder}/`);
    }
  }
  return [...changed].sort();
}

async function listFiles(copy: string): Promise<string[]> {
  const entries = await readdir(join(copy, 'src'), { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(join(copy, 'src'), join(entry.parentPath, entry.name)));
}

/** Checks the types of the list of providers and all it leads to. */
async function compile(copy: string): Promise<Finished> {
  await writeFile(
    join(copy, 'tsconfig.generated.json'),
    JSON.stringify({
      extends: './tsconfig.json',
      include: [
        'src/**/*.d.ts',
        'src/providers/providers.module.ts',
        ...generated.map((slug) => `src/providers/${slug}`),
      ],
    }),
  );
  return run(copy, ['node_modules/typescript/bin/tsc', '--noEmit', '-p', 'tsconfig.generated.json']);
}

interface TestResult {
  readonly title: string;
  readonly status: string;
  readonly message: string;
}

/** Runs the specs of the generated providers and of the architecture, none of which needs a database. */
async function runSpecs(copy: string): Promise<TestResult[]> {
  await mkdir(join(copy, 'test'), { recursive: true });
  await writeFile(
    join(copy, 'jest.generated.js'),
    `import { default as config } from './jest.config.js';
const { globalSetup, globalTeardown, reporters, ...rest } = config;
export default rest;
`,
  );
  const specs = [
    ...generated.map((slug) => `src/providers/${slug}/`),
    'src/providers/provider-facts.spec.ts',
    'src/providers/providers.module.spec.ts',
    'src/architecture.spec.ts',
  ];
  const { stdout, stderr } = await run(
    copy,
    ['node_modules/jest/bin/jest.js', '--config', 'jest.generated.js', '--json', ...specs],
    { NODE_OPTIONS: '--experimental-vm-modules' },
  );
  const report = /^\{.*\}$/m.exec(stdout)?.[0];
  if (report === undefined) {
    throw new Error(`The tests did not run: ${stderr}`);
  }
  const { testResults } = JSON.parse(report) as {
    testResults: {
      message: string;
      assertionResults: { title: string; status: string; failureMessages: string[] }[];
    }[];
  };
  return testResults.flatMap(({ message, assertionResults }) =>
    assertionResults.length === 0
      ? [{ title: message, status: 'failed', message }]
      : assertionResults.map(({ title, status, failureMessages }) => ({
          title,
          status,
          message: failureMessages.join('\n'),
        })),
  );
}
