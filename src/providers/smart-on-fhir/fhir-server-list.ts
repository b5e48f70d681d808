import { readSecret } from '../../config/read-environment.js';
import { fhirPresets, findFhirPreset, type FhirPreset } from './fhir-presets.js';

/** One entry of the list of FHIR servers. */
export interface ListedFhirServer {
  readonly name: string;
  readonly fhirBaseUrl: string;
  readonly preset: { readonly name: string; readonly facts: FhirPreset } | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

const variable = 'SMART_ON_FHIR_SERVERS';

/**
 * Reads the servers that the operator lists, in the variable or in the file that the variable with `_FILE` names.
 *
 * An entry is `name=URL`, `name=preset`,
 * `name=preset:URL`, or the name of a preset alone. Entries are separated by commas or white space; in a file, `#`
 * begins a comment.
 *
 * @throws Error that names the variable and the entry, or a name that is used twice
 */
export function readFhirServerList(environment: Environment): ListedFhirServer[] {
  const text = (readSecret(environment, variable) ?? '').replaceAll(/(^|\s)#.*$/gm, '');
  const servers = text
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .map(parseEntry);
  const repeated = servers.map(({ name }) => name).find((name, at, all) => all.indexOf(name) !== at);
  if (repeated !== undefined) {
    throw new Error(`${variable} has two servers with the name "${repeated}". Each needs a name of its own.`);
  }
  return servers;
}

function parseEntry(entry: string): ListedFhirServer {
  const [, name = entry, target = entry] = /^([^=]*)=(.*)$/.exec(entry) ?? [];
  const [, presetName, url] = /^(?:([a-z0-9-]+):?)?(https:\/\/[^\s?#@]+)?$/.exec(target) ?? [];
  const facts = presetName === undefined ? undefined : findFhirPreset(presetName);
  const fhirBaseUrl = url ?? facts?.fhirBaseUrl;
  const isKnown = presetName === undefined || facts !== undefined;
  if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name) || fhirBaseUrl === undefined || !isKnown) {
    const names = Object.keys(fhirPresets).join(', ');
    throw new Error(
      `${variable} must be a list like "name=https://fhir.example/R4,epic,other=epic:https://…"; "${entry}" is none of these. The presets are ${names}.`,
    );
  }
  return {
    name,
    fhirBaseUrl,
    preset: presetName === undefined || facts === undefined ? undefined : { name: presetName, facts },
  };
}
