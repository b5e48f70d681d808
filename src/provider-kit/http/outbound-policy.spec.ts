import { once } from 'node:events';
import { createServer, request, type Server } from 'node:http';
import { connect, type AddressInfo, type LookupFunction, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { AddressKind } from './address-kind.js';
import { HostResolver } from './host-resolver.js';
import { ProviderHttpClient } from './http-client.js';
import { OutboundPolicy } from './outbound-policy.js';
import { readOutboundSettings } from './outbound.config.js';
import { startRecordingServer } from '../testing/recording-server.js';

const production = { NODE_ENV: 'production' };

/** Responds with the prepared addresses in turn, the last one for ever, and counts. */
class PreparedResolver extends HostResolver {
  calls = 0;

  constructor(private readonly responses: readonly (readonly string[])[]) {
    super();
  }

  override resolve(): Promise<{ address: string; family: number }[]> {
    const response = this.responses[Math.min(this.calls, this.responses.length - 1)] ?? [];
    this.calls += 1;
    return Promise.resolve(response.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })));
  }
}

/**
 * Takes 127.0.0.2 for a public address, so that a test has a public server and an internal one without leaving this
 * machine.
 */
class PolicyWithPublicAddress extends OutboundPolicy {
  protected override kindOf(address: string): AddressKind {
    return address === '127.0.0.2' ? 'public' : super.kindOf(address);
  }
}

let clients: ProviderHttpClient[];

beforeEach(() => {
  clients = [];
});

afterEach(() => Promise.all(clients.map((client) => client.onApplicationShutdown())));

function send(policy: OutboundPolicy, url: string): Promise<{ body: string }> {
  const client = new ProviderHttpClient(policy);
  clients.push(client);
  return client.send({ method: 'POST', url, body: 'refresh_token=canary', timeoutMs: 5_000 });
}

describe('a request (NET-01)', () => {
  it.each([
    'https://other.example/token',
    'https://provider.example.evil.example',
    'https://provider.example:8443/token',
  ])('to %s, which no provider has, is refused before anything is resolved', async (url) => {
    const resolver = new PreparedResolver([['127.0.0.1']]);
    const policy = new OutboundPolicy(readOutboundSettings(production), resolver);
    policy.allow('https://provider.example/oauth/token');
    await expect(send(policy, url)).rejects.toMatchObject({
      code: 'PROVIDER_MISCONFIGURED',
      message: expect.stringContaining('is not one of the hosts of the configured providers'),
    });
    expect(resolver.calls).toBe(0);
  });

  it('to a provider continues to the resolver', async () => {
    const resolver = new PreparedResolver([['127.0.0.1']]);
    const policy = new OutboundPolicy(readOutboundSettings(production), resolver);
    policy.allow('https://provider.example/oauth/token');
    await expect(send(policy, 'https://provider.example/account')).rejects.toMatchObject({
      message: expect.stringContaining('an address that is not public'),
    });
    expect(resolver.calls).toBe(1);
  });

  it.each([
    'http://provider.example/token',
    'https://good@provider.example/',
    'https://a:b@provider.example/',
    'https://provider.example/#x',
  ])('to %s is refused although the host is allowed', (url) => {
    const policy = new OutboundPolicy(readOutboundSettings(production), new PreparedResolver([]));
    policy.allow('https://provider.example');
    policy.allow('http://provider.example');
    expect(policy.findObjection(new URL(url))).toBeDefined();
    expect(policy.findObjection(new URL('https://provider.example/'))).toBeUndefined();
  });
});

describe('an address (NET-02)', () => {
  /** Spellings of this machine and of the metadata service. WHATWG URLs make one of most of them. */
  const spellings = ['127.0.0.1', '127.1', '0x7f.1', '2130706433', '017700000001', '0', '①②⑦.0.0.1', '127.0.0.1.']
    .concat(['[::1]', '[::]', '[::ffff:127.0.0.1]', '[::127.0.0.1]', '[64:ff9b::7f00:1]', '[fe80::1]'])
    .concat(['169.254.169.254', '0xa9fea9fe', '10.0.0.1', '[fd00::1]', '224.0.0.1']);

  it.each(spellings)('written as %s is refused in production even where it was allowed', async (host) => {
    const resolver = new PreparedResolver([['127.0.0.1']]);
    const policy = new OutboundPolicy(readOutboundSettings(production), resolver);
    policy.allow(`https://${host}`);
    await expect(send(policy, `https://${host}/`)).rejects.toMatchObject({
      code: 'PROVIDER_MISCONFIGURED',
      message: expect.stringContaining('an address that is not public'),
    });
  });

  it.each(['localhost', 'localhost.', 'provider.localhost', 'provider.example'])(
    'of this machine is refused in production behind the name %s',
    async (host) => {
      const policy = new OutboundPolicy(readOutboundSettings(production), new PreparedResolver([['127.0.0.1']]));
      policy.allow(`https://${host}`);
      await expect(send(policy, `https://${host}/`)).rejects.toMatchObject({ code: 'PROVIDER_MISCONFIGURED' });
    },
  );

  it.each([
    ['a private one', ['10.1.2.3']],
    ['a private one beside a public one', ['93.184.216.34', '192.168.0.1']],
    ['a private IPv6 one beside a public one', ['93.184.216.34', 'fd00::1']],
    ['one of NAT64 that leads to a private one', ['93.184.216.34', '64:ff9b::10.0.0.1']],
    ['one of NAT64 that leads to a metadata service', ['64:ff9b::169.254.169.254']],
    ['the metadata service of a cloud', ['168.63.129.16']],
    ['none', []],
  ])('is refused when a name has %s', async (_, addresses) => {
    const policy = new OutboundPolicy(readOutboundSettings(production), new PreparedResolver([addresses]));
    expect(await lookUp(policy, 'provider.example')).toMatchObject({ code: 'ADDRESS_REFUSED' });
  });

  it('of NAT64 is connected to when the address in it is public: networks that have IPv6 alone', async () => {
    const addresses = ['93.184.216.34', '64:ff9b::5db8:d822'];
    const policy = new OutboundPolicy(readOutboundSettings(production), new PreparedResolver([addresses]));
    expect(await lookUp(policy, 'provider.example')).not.toMatchObject({ code: 'ADDRESS_REFUSED' });
  });

  it('in a private network is connected to when the operator named the host, and no other host', async () => {
    const environment = { ...production, OUTBOUND_PRIVATE_HOSTS: 'FHIR.internal, 10.0.0.7, 127.0.0.1' };
    const policy = new OutboundPolicy(readOutboundSettings(environment), new PreparedResolver([['10.1.2.3']]));
    policy.allow('https://10.0.0.7');
    policy.allow('https://127.0.0.1');
    expect(await lookUp(policy, 'fhir.internal')).toEqual([{ address: '10.1.2.3', family: 4 }]);
    expect(await lookUp(policy, 'provider.example')).toMatchObject({ code: 'ADDRESS_REFUSED' });
    expect(policy.findObjection(new URL('https://10.0.0.7/'))).toBeUndefined();
    expect(policy.findObjection(new URL('https://127.0.0.1/'))).toBeUndefined();
  });

  it.each(['127.0.0.1', '169.254.169.254', '::ffff:10.0.0.1'])(
    'such as %s is refused even behind a host that the operator named',
    async (address) => {
      const environment = { ...production, OUTBOUND_PRIVATE_HOSTS: 'fhir.internal' };
      const policy = new OutboundPolicy(readOutboundSettings(environment), new PreparedResolver([[address]]));
      expect(await lookUp(policy, 'fhir.internal')).toMatchObject({ code: 'ADDRESS_REFUSED' });
    },
  );

  it('of this machine is connected to for the sandbox under any name, outside production', async () => {
    const server = await startRecordingServer(() => ({ body: 'ok' }));
    const sandboxUrl = server.url.replace('127.0.0.1', 'sandbox.example');
    const resolver = new PreparedResolver([['127.0.0.1']]);
    try {
      const development = new OutboundPolicy(readOutboundSettings({ SANDBOX_URL: sandboxUrl }), resolver);
      await expect(send(development, sandboxUrl)).resolves.toMatchObject({ body: 'ok' });
      expect(server.requests[0]?.headers.host).toBe(new URL(sandboxUrl).host);
      const inProduction = readOutboundSettings({ ...production, SANDBOX_URL: sandboxUrl });
      await expect(send(new OutboundPolicy(inProduction, resolver), sandboxUrl)).rejects.toMatchObject({
        code: 'PROVIDER_MISCONFIGURED',
      });
      expect(server.requests).toHaveLength(1);
    } finally {
      await server.close();
    }
  });
});

describe('DNS rebinding (NET-02)', () => {
  let outside: Server;
  let inside: Server;
  let hits: string[];
  let url: string;

  beforeEach(async () => {
    hits = [];
    inside = await listen('127.0.0.1', 0, () => hits.push('inside'));
    const { port } = inside.address() as AddressInfo;
    outside = await listen('127.0.0.2', port, () => hits.push('outside'));
    url = `http://rebinding.example:${port}/token`;
  });

  afterEach(() => {
    inside.close();
    outside.close();
  });

  const flipping = () => new PreparedResolver([['127.0.0.2'], ['127.0.0.1']]);

  it('reaches an internal server when the name is checked first and resolved again to connect', async () => {
    const resolver = flipping();
    const policy = new PolicyWithPublicAddress(readOutboundSettings(production), resolver);
    expect(await lookUp(policy, 'rebinding.example')).toEqual([{ address: '127.0.0.2', family: 4 }]);
    await naivePost(url, resolver);
    expect(hits).toEqual(['inside']);
  });

  it('reaches nothing but the address that was checked', async () => {
    const resolver = flipping();
    const policy = new PolicyWithPublicAddress(readOutboundSettings(production), resolver);
    policy.allow(url);
    // Plain http stands in for https here, which the policy asks for otherwise.
    policy.findObjection = () => undefined;
    await expect(send(policy, url)).resolves.toMatchObject({ body: 'ok' });
    for (let attempt = 0; attempt < 5; attempt += 1) {
      await expect(send(policy, url)).rejects.toMatchObject({ code: 'PROVIDER_MISCONFIGURED' });
    }
    expect(hits).toEqual(['outside']);
    expect(resolver.calls).toBe(6);
  });
});

describe('HostResolver', () => {
  it('shares one lookup of a name among all waiting calls, and looks it up again afterwards (NET-04)', async () => {
    const resolver = new HostResolver();
    const lookups = Array.from({ length: 50 }, () => resolver.resolve('localhost'));
    expect(new Set(lookups).size).toBe(1);
    expect((await Promise.all(lookups))[0]?.length).toBeGreaterThan(0);
    expect(resolver.resolve('localhost')).not.toBe(lookups[0]);
  });
});

describe('a proxy (NET-03)', () => {
  it('that OUTBOUND_PROXY_URL names gets every request, and the policy still decides', async () => {
    const server = await startRecordingServer(() => ({ body: 'ok' }));
    const asked: string[] = [];
    const proxy = createServer();
    proxy.on('connect', ({ url: target = '' }, socket: Socket) => {
      asked.push(target);
      const line = connect(Number(new URL(server.url).port), '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
        line.pipe(socket).pipe(line);
      });
      line.on('error', () => socket.destroy());
      socket.on('error', () => line.destroy()).on('close', () => line.destroy());
    });
    proxy.listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    const { port } = proxy.address() as AddressInfo;
    const settings = readOutboundSettings({ OUTBOUND_PROXY_URL: `http://127.0.0.1:${port}` });
    try {
      await expect(send(new OutboundPolicy(settings), server.url)).resolves.toMatchObject({ body: 'ok' });
      expect(asked).toEqual([new URL(server.url).host]);
      await expect(send(new OutboundPolicy(settings), 'https://other.example/')).rejects.toMatchObject({
        code: 'PROVIDER_MISCONFIGURED',
      });
      expect(asked).toHaveLength(1);
    } finally {
      await Promise.all(clients.splice(0).map((client) => client.onApplicationShutdown()));
      proxy.close();
      await server.close();
    }
  });
});

describe('readOutboundSettings', () => {
  it.each([
    ['OUTBOUND_PRIVATE_HOSTS', 'https://fhir.internal'],
    ['OUTBOUND_PRIVATE_HOSTS', 'fhir.internal:8443'],
    ['OUTBOUND_PROXY_URL', 'proxy.internal'],
    ['OUTBOUND_PROXY_URL', 'socks5://proxy.internal'],
  ])('refuses %s=%s and names it', (name, value) => {
    expect(() => readOutboundSettings({ [name]: value })).toThrow(new RegExp(`^Invalid settings\\. ${name}: `));
  });
});

async function listen(host: string, port: number, onHit: () => void): Promise<Server> {
  const server = createServer((incoming, outgoing) => {
    onHit();
    incoming.resume();
    outgoing.end('ok');
  }).listen(port, host);
  await once(server, 'listening');
  return server;
}

/** Asks the policy as a connection does. */
function lookUp(policy: OutboundPolicy, hostname: string): Promise<unknown> {
  return new Promise((resolve) => {
    policy.lookup(hostname, { all: true }, (error, addresses) => resolve(error ?? addresses));
  });
}

/** Resolves the name once more to connect. */
async function naivePost(url: string, resolver: HostResolver): Promise<void> {
  const lookup: LookupFunction = (hostname, _options, callback) => {
    void resolver.resolve(hostname).then((addresses) => callback(null, addresses));
  };
  const sent = request(url, { method: 'POST', lookup }).end('refresh_token=canary');
  const [response] = (await once(sent, 'response')) as [{ resume(): void }];
  response.resume();
}
