import { generateKeyPairSync, randomUUID, sign } from 'node:crypto';

/** A certificate for a TLS server of a test, made when the test runs. */
export interface TestCertificate {
  readonly key: string;
  readonly cert: string;
}

/**
 * Makes a self-signed certificate. Trusted as a root, it is valid for the given address or name.
 *
 * @param subject - its IPv4 address or DNS name
 * @param validity - defaults to the years 2020 to 2049
 * @see RFC 5280 section 4.1, https://www.rfc-editor.org/rfc/rfc5280#section-4.1
 */
export function makeTestCertificate(
  subject: { readonly ip: string } | { readonly dns: string },
  validity = { from: '200101000000Z', to: '491231235959Z' },
): TestCertificate {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const alternativeName =
    'ip' in subject
      ? der(0x87, Buffer.from(subject.ip.split('.').map(Number)))
      : der(0x82, Buffer.from(subject.dns, 'ascii'));
  // The issuer is looked up by name among the trusted roots, so no two may share one.
  const name = sequence(
    der(0x31, sequence(oid(0x55, 0x04, 0x03), der(0x0c, Buffer.from(`Test only ${randomUUID()}`)))),
  );
  const ecdsaWithSha256 = sequence(oid(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02));
  const extensions = sequence(
    sequence(oid(0x55, 0x1d, 0x13), octets(sequence(der(0x01, Buffer.from([0xff]))))), // basicConstraints: CA
    sequence(oid(0x55, 0x1d, 0x11), octets(sequence(alternativeName))), // subjectAltName
  );
  const body = sequence(
    der(0xa0, integer(2)), // X.509 version 3
    integer(1),
    ecdsaWithSha256,
    name,
    sequence(der(0x17, Buffer.from(validity.from)), der(0x17, Buffer.from(validity.to))),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, extensions),
  );
  const signature = der(0x03, Buffer.from([0]), sign('sha256', body, privateKey));
  const certificate = sequence(body, ecdsaWithSha256, signature).toString('base64');
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: `-----BEGIN CERTIFICATE-----\n${certificate.replace(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----\n`,
  };
}

/** One DER value: tag, length, contents (X.690 section 8.1). */
function der(tag: number, ...contents: readonly Buffer[]): Buffer {
  const content = Buffer.concat(contents);
  const { length } = content;
  const lengthBytes = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...lengthBytes]), content]);
}

function sequence(...contents: readonly Buffer[]): Buffer {
  return der(0x30, ...contents);
}

function oid(...bytes: readonly number[]): Buffer {
  return der(0x06, Buffer.from(bytes));
}

function integer(value: number): Buffer {
  return der(0x02, Buffer.from([value]));
}

function octets(content: Buffer): Buffer {
  return der(0x04, content);
}
