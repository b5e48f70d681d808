/** Known facts about the FHIR servers of one vendor or agency. */
export interface FhirPreset {
  /** The FHIR base URL, unless the operator names another one, such as a hospital's. */
  readonly fhirBaseUrl: string;
  readonly displayName: string;
  /** Hosts that the OAuth endpoints may be on beside the FHIR server's own. */
  readonly allowedHosts: readonly string[];
  readonly scopes: readonly string[];
  readonly docsUrl: string;
  /** Whether the client of a person's app may authenticate with a key (client-confidential-asymmetric). */
  readonly takesKeys: boolean;
  /** Facts that could not be confirmed, one sentence each. */
  readonly uncertain: readonly string[];
}

const session = ['launch/patient', 'openid', 'fhirUser', 'offline_access'];
/** For servers that do not document wildcards: what a health record app reads first. */
const commonResources = ['Patient', 'Observation', 'Condition', 'MedicationRequest', 'AllergyIntolerance'].map(
  (resource) => `patient/${resource}.read`,
);

const oracleTenant = 'https://fhir-myrecord.cerner.com/r4';
const blueButton: Omit<FhirPreset, 'fhirBaseUrl'> = {
  displayName: 'Blue Button',
  allowedHosts: [],
  scopes: [
    'openid',
    'profile',
    'launch/patient',
    'patient/Patient.read',
    'patient/Coverage.read',
    'patient/ExplanationOfBenefit.read',
  ],
  docsUrl: 'https://bluebutton.cms.gov/api-documentation/authorization/',
  takesKeys: false,
  uncertain: [
    'Refresh tokens are only for apps that are approved for 13 months or for research.',
    'Whether the token endpoint takes Basic authentication as well as the form: clients use both.',
  ],
};

/**
 * Servers that `SMART_ON_FHIR_SERVERS` knows by name. All of them are read through discovery, so a preset names no
 * OAuth endpoint.
 */
export const fhirPresets: Readonly<Record<string, FhirPreset>> = {
  epic: {
    fhirBaseUrl: 'https://fhir.epic.com/interconnect-fhir-oauth/api/FHIR/R4',
    displayName: 'Epic',
    allowedHosts: [],
    scopes: [...session, 'patient/*.rs'],
    docsUrl: 'https://fhir.epic.com/Documentation?docId=oauth2',
    takesKeys: true,
    uncertain: ['The URL of the preset is the sandbox of Epic; each hospital has a base URL of its own.'],
  },
  'oracle-health': {
    fhirBaseUrl: `${oracleTenant}/ec2458f2-1e24-41c8-b71b-0e701af7583d`,
    displayName: 'Oracle Health',
    allowedHosts: ['authorization.cerner.com'],
    scopes: [...session, ...commonResources],
    docsUrl: 'https://docs.oracle.com/en/industries/health/millennium-platform-apis/mfrap/index.html',
    takesKeys: true,
    uncertain: [
      'The URL of the preset is the public sandbox tenant; each organization has a tenant of its own.',
      'The authorization host is what the discovery document of the provider side names; that of the patient side was not read.',
    ],
  },
  athenahealth: {
    fhirBaseUrl: 'https://api.platform.athenahealth.com/fhir/r4',
    displayName: 'athenahealth',
    allowedHosts: [],
    scopes: [...session, ...commonResources],
    docsUrl: 'https://docs.athenahealth.com/api/',
    takesKeys: true,
    uncertain: [
      'The address of the documentation is from memory.',
      'Whether an app of a patient may authenticate with a key was not read.',
    ],
  },
  'athenahealth-preview': {
    fhirBaseUrl: 'https://api.preview.platform.athenahealth.com/fhir/r4',
    displayName: 'athenahealth preview',
    allowedHosts: [],
    scopes: [...session, ...commonResources],
    docsUrl: 'https://docs.athenahealth.com/api/',
    takesKeys: true,
    uncertain: [
      'The address of the documentation is from memory.',
      'Whether an app of a patient may authenticate with a key was not read.',
    ],
  },
  va: {
    fhirBaseUrl: 'https://api.va.gov/services/fhir/v0/r4',
    displayName: 'US Department of Veterans Affairs',
    allowedHosts: [],
    scopes: ['launch/patient', 'openid', 'profile', 'offline_access', ...commonResources],
    docsUrl: 'https://developer.va.gov/',
    takesKeys: false,
    uncertain: ['The scopes are what public clients request; whether fhirUser is known was not read.'],
  },
  'va-sandbox': {
    fhirBaseUrl: 'https://sandbox-api.va.gov/services/fhir/v0/r4',
    displayName: 'US Department of Veterans Affairs sandbox',
    allowedHosts: [],
    scopes: ['launch/patient', 'openid', 'profile', 'offline_access', ...commonResources],
    docsUrl: 'https://developer.va.gov/',
    takesKeys: false,
    uncertain: ['The scopes are what public clients request; whether fhirUser is known was not read.'],
  },
  'blue-button': { ...blueButton, fhirBaseUrl: 'https://api.bluebutton.cms.gov/v2/fhir' },
  'blue-button-sandbox': {
    ...blueButton,
    fhirBaseUrl: 'https://sandbox.bluebutton.cms.gov/v2/fhir',
    displayName: 'Blue Button sandbox',
  },
};

/** Returns the preset of this name. */
export function findFhirPreset(name: string): FhirPreset | undefined {
  return Object.hasOwn(fhirPresets, name) ? fhirPresets[name] : undefined;
}
