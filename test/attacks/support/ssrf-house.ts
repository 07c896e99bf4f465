/** Where SSRF attacks end: sinks on every local address, a server that may be asked, a name server, and a careless client. */
import { startDnsDouble, type DnsDouble, type DnsRecords } from '@airlock/testkit';
import { createServer, get, type IncomingMessage, type Server } from 'node:http';
import { isIP, type AddressInfo, type LookupFunction } from 'node:net';
import { networkInterfaces } from 'node:os';

export interface SsrfHouse {
  readonly sinkPort: number;
  readonly allowedPort: number;
  readonly dns: DnsDouble;
  /** Connections to any sink so far. */
  sunk(): number;
  /** Requests the allowed server answered. */
  served(): number;
  close(): Promise<void>;
}

/** The one address a sealed server stands at; no sink is asked for by it. */
export const ALLOWED_HOST = '127.0.0.3';

const portOf = (server: Server): number => (server.address() as AddressInfo).port;
const listen = (server: Server, port: number, host: string): Promise<Server> =>
  new Promise((resolve, reject) => server.once('error', reject).listen(port, host, () => resolve(server)));
const end = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });

/** Addresses of this machine besides loopback, link-local ones left out. */
export const machineAddresses = (): readonly string[] =>
  Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .filter(({ internal, address }) => !internal && !address.startsWith('fe80') && !address.startsWith('169.254'))
    .map(({ address }) => address);

/** `/?to=URL&status=N` redirects there; everything else is an answer. */
const openAllowed = async (onServed: () => void): Promise<Server> => {
  const server = createServer((request, response) => {
    onServed();
    const { searchParams } = new URL(request.url ?? '/', 'http://allowed');
    const to = searchParams.get('to');
    const location =
      to === null
        ? {}
        : {
            location: Buffer.from(to)
              .toString('latin1')
              .replace(/[\r\n]/g, ''),
          };
    response.writeHead(to === null ? 200 : Number(searchParams.get('status')), { ...location, connection: 'close' });
    response.end('allowed');
  });
  return listen(server, 0, ALLOWED_HOST);
};

export const openSsrfHouse = async (zone: (name: string, count: number) => DnsRecords | null): Promise<SsrfHouse> => {
  let [sunk, served] = [0, 0];
  const sink = (): Server => createServer((_, response) => response.end('sink')).on('connection', () => (sunk += 1));
  // Dual stack, so that every address of the machine and every mapped form of one ends here.
  const sinks = [await listen(sink(), 0, '::').catch(() => listen(sink(), 0, '0.0.0.0'))];
  const allowed = await openAllowed(() => (served += 1));
  const dns = await startDnsDouble(zone);
  return {
    sinkPort: portOf(sinks[0] ?? allowed),
    allowedPort: portOf(allowed),
    dns,
    sunk: () => sunk,
    served: () => served,
    close: async () => {
      await Promise.all([...sinks, allowed].map(end));
      await dns.close();
    },
  };
};

const lookupBy =
  (dns: DnsDouble): LookupFunction =>
  (host, options, done) => {
    const local = /(?:^|\.)localhost\.?$/.test(host) ? Promise.resolve([{ address: '127.0.0.1', family: 4 }]) : dns.resolve(host);
    local.then(
      (found) => (options.all === true ? done(null, found) : done(null, found.at(-1)?.address ?? '', found.at(-1)?.family)),
      (error: unknown) => done(error as Error, ''),
    );
  };

/** What everybody writes first: asks and follows. Resolves whatever happens. */
export const careless = (dns: DnsDouble, url: string, redirects = 2): Promise<void> =>
  new Promise((resolve) => {
    if (!URL.canParse(url)) return resolve();
    const target = new URL(url);
    const onAnswer = (response: IncomingMessage): void => {
      const { location } = response.headers;
      response.resume();
      if (location === undefined || redirects === 0 || !URL.canParse(location, url)) return resolve();
      careless(dns, new URL(location, url).href, redirects - 1).then(resolve);
    };
    const host = target.hostname.replace(/^\[(.*)\]$/, '$1');
    try {
      const request = get(
        {
          host,
          port: target.port,
          path: `${target.pathname}${target.search}`,
          protocol: target.protocol,
          agent: false,
          ...(isIP(host) === 0 ? { lookup: lookupBy(dns) } : {}),
        },
        onAnswer,
      );
      request.setTimeout(500, () => request.destroy());
      request.on('error', () => resolve());
    } catch {
      resolve();
    }
  });
