import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeTestCertificate } from '../src/provider-kit/testing/test-certificate.ts';

const issuer = 'https://login.invalid/';
const audience = 'https://bench.invalid';
const kid = 'key-1';

/** A login that publishes a signing key. A service in production reads it over TLS. */
export interface Login {
  /** Variables that make a service accept user tokens of this login. */
  readonly environment: Readonly<Record<string, string>>;
  /** Returns a user token in which only the signature is wrong, so that the service must verify it. */
  forgeToken(): string;
  stop(): Promise<void>;
}

/** Starts a login on 127.0.0.1 with a certificate of its own. */
export async function startLogin(): Promise<Login> {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const keys = JSON.stringify({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid }] });
  const certificate = makeTestCertificate({ ip: '127.0.0.1' });
  const directory = await mkdtemp(join(tmpdir(), 'cufflink-bench-login-'));
  const certificateFile = join(directory, 'certificate.pem');
  await writeFile(certificateFile, certificate.cert);
  const server = createServer(certificate, (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(keys);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    environment: {
      USER_JWKS_URL: `https://127.0.0.1:${(server.address() as AddressInfo).port}/keys`,
      USER_JWT_ISSUER: issuer,
      USER_JWT_AUDIENCE: audience,
      OUTBOUND_PRIVATE_HOSTS: '127.0.0.1',
      NODE_EXTRA_CA_CERTS: certificateFile,
    },
    forgeToken: () => {
      const now = Math.floor(Date.now() / 1_000);
      const claims = { iss: issuer, aud: audience, sub: 'user-0', iat: now, exp: now + 300 };
      // Of the algorithms that are accepted by default, ES256 takes the longest to verify.
      const parts = [{ alg: 'ES256', kid, typ: 'JWT' }, claims].map((part) => Buffer.from(JSON.stringify(part)));
      return [...parts, randomBytes(64)].map((part) => part.toString('base64url')).join('.');
    },
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
