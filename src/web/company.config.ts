import { readFileSync } from 'node:fs';
import { registerAs, type ConfigType } from '@nestjs/config';
import { z } from 'zod';
import { readEnvironment, type Environment } from '../config/read-environment.js';
import { isColor } from './colors.js';

/** The largest file of a logo. */
const largestLogoBytes = 100 * 1024;

const schema = z.object({
  COMPANY_NAME: z
    .string()
    .regex(/^[^\p{C}\p{Zl}\p{Zp}]{1,60}$/u, 'must have at most 60 visible characters.')
    .optional(),
  COMPANY_URL: z.url({ protocol: /^https?$/, error: 'must be a URL, such as https://app.example.com.' }).optional(),
  COMPANY_COLOR: z.string().refine(isColor, 'must be a color of the form #1f5fbf.').optional(),
  COMPANY_LOGO_FILE: z.string().optional(),
  NODE_ENV: z.string().default('development'),
});

/** A picture that browsers show. */
export interface Logo {
  readonly type: 'image/png' | 'image/jpeg' | 'image/webp' | 'image/svg+xml';
  readonly bytes: Buffer;
}

/** Reads the company's name, logo and color: people see the company, not this service. */
export function readCompanyConfig(environment: Environment): {
  name: string | undefined;
  /** Target of "Back to" if a link names none. */
  url: string | undefined;
  /** `#rrggbb` */
  color: string | undefined;
  logo: Logo | undefined;
} {
  const values = readEnvironment(schema, environment);
  if (values.NODE_ENV === 'production' && values.COMPANY_URL?.startsWith('http:') === true) {
    throw new Error('COMPANY_URL must be an https URL in production.');
  }
  return {
    name: values.COMPANY_NAME,
    url: values.COMPANY_URL === undefined ? undefined : new URL(values.COMPANY_URL).href,
    color: values.COMPANY_COLOR,
    logo: values.COMPANY_LOGO_FILE === undefined ? undefined : readLogo(values.COMPANY_LOGO_FILE),
  };
}

function readLogo(file: string): Logo {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    throw new Error('COMPANY_LOGO_FILE names a file that cannot be read.', { cause: error });
  }
  const type = typeOf(bytes);
  if (type === undefined || bytes.length > largestLogoBytes) {
    throw new Error('COMPANY_LOGO_FILE must be a PNG, JPEG, WebP or SVG file of at most 100 KiB.');
  }
  return { type, bytes };
}

/** Recognizes a picture by its first bytes: a file's name may say something else. */
function typeOf(bytes: Buffer): Logo['type'] | undefined {
  const head = bytes.subarray(0, 12).toString('latin1');
  if (head.startsWith('\x89PNG\r\n\x1a\n')) {
    return 'image/png';
  }
  if (head.startsWith('\xff\xd8\xff')) {
    return 'image/jpeg';
  }
  if (/^RIFF.{4}WEBP/s.test(head)) {
    return 'image/webp';
  }
  return /^\s*(<\?xml[^>]*>\s*)?(<!--[^]*?-->\s*)*<svg[\s>]/.test(bytes.toString('utf8')) ? 'image/svg+xml' : undefined;
}

export const companyConfig = registerAs('company', () => readCompanyConfig(process.env));
export type CompanyConfig = ConfigType<typeof companyConfig>;
