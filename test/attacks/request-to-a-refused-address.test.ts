// SSRF: more than five hundred ways to an address nobody sealed, asked of the guarded client and of a careless one.
// EGRESS-1 to EGRESS-7 and EGRESS-9: none reaches a sink; the careless client does.
import { openEgress, type Egress } from '@airlock/egress';
import { AirlockError, parseOrigin, type Origin } from '@airlock/protocol';
import type { DnsRecords } from '@airlock/testkit';
import t, { type Test } from 'tap';
import { LOCAL_HOSTS, NEVER_HOSTS, REDIRECT_STATUSES, REFUSED_ADDRESSES, tricks } from './support/ssrf-forms.js';
import { ALLOWED_HOST, careless, machineAddresses, openSsrfHouse, type SsrfHouse } from './support/ssrf-house.js';

/** example.com's; nothing is ever sent there, because what comes with it is refused. */
const PUBLIC = '93.184.215.14';
const CODES = ['PARAMS_INVALID', 'UPSTREAM_REFUSED', 'UNAVAILABLE'];

/** What names of the attacks lead to; `flip-` names to a server that may be asked first, elsewhere later. */
const records = new Map<string, (count: number) => DnsRecords>([
  ['chain.nip.test', () => ({ cnames: ['a.nip.test', 'b.nip.test'], addresses: ['127.0.0.1'] })],
]);
const zone = (name: string, count: number): DnsRecords | null => {
  if (name.endsWith('.nip.test') && !records.has(name)) return { addresses: ['127.0.0.1'] };
  return records.get(name)?.(count) ?? null;
};

let house: SsrfHouse;
let cases = 0;
t.before(async () => {
  house = await openSsrfHouse(zone);
});
t.teardown(() => house.close());

const origin = (host: string, port: number, scheme = 'http'): Origin => ({ scheme, host, port });
const allowed = (): Origin => origin(ALLOWED_HOST, house.allowedPort);
const open = (...origins: readonly Origin[]): Egress => openEgress({ origins, resolve: (host) => house.dns.resolve(host) });
/** Sealed for the server that may be asked and for a name that leads nowhere. */
const sealed = (): Egress => open(allowed(), origin('api.example.test', house.sinkPort));

/** The code of the refusal; null where there was an answer. */
const outcome = async (egress: Egress, url: string): Promise<string | null> => {
  cases += 1;
  try {
    await egress.request({ method: 'GET', url, headers: { authorization: 'Bearer secret' } });
    return null;
  } catch (thrown) {
    if (thrown instanceof AirlockError) return thrown.code;
    throw thrown;
  }
};

/** Asks each with the guarded client and then, as a control, every n-th with the careless one. */
const attack = async (t: Test, egress: Egress, urls: readonly string[], leastSunk: number, nth = 1): Promise<void> => {
  const before = house.sunk();
  const answered: string[] = [];
  for (const url of urls) {
    const code = await outcome(egress, url);
    if (code === null || !CODES.includes(code)) answered.push(`${url} ${String(code)}`);
  }
  await egress.close();
  t.same(answered, [], `${urls.length} refused`);
  t.equal(house.sunk(), before, 'and no sink was reached');
  await Promise.all(urls.filter((_, index) => index % nth === 0).map((url) => careless(house.dns, url)));
  const reached = house.sunk() - before;
  t.ok(reached >= leastSunk, `negative control: a careless client reaches sinks, ${reached} times`);
};

const redirects = (locations: readonly string[], statuses: readonly number[] = REDIRECT_STATUSES): string[] =>
  locations.flatMap((to) =>
    statuses.map((status) => `http://${ALLOWED_HOST}:${house.allowedPort}/?status=${status}&to=${encodeURIComponent(to)}`),
  );

t.test('hosts that mean this machine, asked for directly', async (t) => {
  await attack(
    t,
    sealed(),
    LOCAL_HOSTS.map((host) => `http://${host}:${house.sinkPort}/`),
    25,
  );
});

t.test('hosts that mean this machine, by every redirect', async (t) => {
  await attack(
    t,
    sealed(),
    redirects(LOCAL_HOSTS.map((host) => `http://${host}:${house.sinkPort}/`)),
    40,
    REDIRECT_STATUSES.length,
  );
});

t.test('tricks with users, slashes, schemes, asked for directly and by redirect', async (t) => {
  const at = `127.0.0.1:${house.sinkPort}`;
  const ways = tricks(at, `${ALLOWED_HOST}:${house.allowedPort}`);
  // Relative ones lie within the first origin or name another: both are tried, and only the sink counts.
  const egress = sealed();
  const before = house.sunk();
  for (const way of ways) await outcome(egress, way);
  t.equal(house.sunk(), before);
  await attack(
    t,
    egress,
    redirects(
      ways.filter((way) => !/%40|^\\/.test(way)),
      [302, 307],
    ),
    10,
  );
});

t.test('names that lead to refused addresses: alone, after and before a public one, by a chain', async (t) => {
  const all = [...REFUSED_ADDRESSES, ...machineAddresses()];
  const ways = (address: string): readonly DnsRecords[] => [
    { addresses: [address] },
    { addresses: [PUBLIC, address] },
    { addresses: [address, PUBLIC] },
    { cnames: ['www.example.test', 'edge.example.test'], addresses: [address] },
  ];
  const before = house.sunk();
  const answered: string[] = [];
  for (const [index, address] of all.entries()) {
    for (const [way, found] of ways(address).entries()) {
      const name = `n${index}-${way}.example.test`;
      records.set(name, () => found);
      const egress = open(origin(name, house.sinkPort, way === 0 ? 'https' : 'http'));
      if ((await outcome(egress, '/')) !== 'UPSTREAM_REFUSED') answered.push(`${address} ${way}`);
      await egress.close();
    }
  }
  t.same(answered, [], `${all.length} addresses refused in ${all.length * 4} ways`);
  t.equal(house.sunk(), before, 'and no sink was reached');
  const loopback = all.findIndex((address) => address === '127.0.0.1');
  for (const way of [0, 1, 3]) await careless(house.dns, `http://n${loopback}-${way}.example.test:${house.sinkPort}/`);
  t.equal(house.sunk() - before, 3, 'negative control: a careless client reaches them');
});

t.test('sealed on purpose, and yet never: unspecified, link-local, metadata, mapped, translated, multicast', async (t) => {
  const before = house.sunk();
  for (const host of NEVER_HOSTS) {
    const egress = open(parseOrigin(`http://${host}:${house.sinkPort}`));
    t.equal(await outcome(egress, '/'), 'UPSTREAM_REFUSED', host);
    await egress.close();
  }
  t.equal(house.sunk(), before);
  await careless(house.dns, `http://0.0.0.0:${house.sinkPort}/`);
  t.equal(house.sunk(), before + 1, 'negative control');
});

t.test('local names lead only where their form says', async (t) => {
  const wrong: readonly (readonly [string, string])[] = [
    ...['127.0.0.1', '::1', '0.0.0.0', '169.254.169.254', '::ffff:127.0.0.1', '100.64.0.1', 'fd00:ec2::254'].flatMap((address) =>
      ['printer.lan', 'nas.local', 'intranet', 'metadata.google.internal', 'box.home.arpa', 'tv.home'].map(
        (name) => [name, address] as const,
      ),
    ),
    ...['0.0.0.0', '10.0.0.1', '192.168.1.1', '169.254.169.254', PUBLIC].flatMap((address) =>
      ['localhost', 'a.localhost', 'localhost.'].map((name) => [name, address] as const),
    ),
    ['intranet', PUBLIC],
  ];
  const before = house.sunk();
  for (const [name, address] of wrong) {
    records.set(name.replace(/\.$/, ''), () => ({ addresses: [address] }));
    const egress = open(origin(name, house.sinkPort));
    t.equal(await outcome(egress, '/'), 'UPSTREAM_REFUSED', `${name} ${address}`);
    await egress.close();
  }
  t.equal(house.sunk(), before);
});

t.test('rebinding: a name that moves between two connections, and between redirects', async (t) => {
  const away = ['0.0.0.0', '::', '::ffff:127.0.0.1', '169.254.169.254', ...machineAddresses()];
  for (const [index, address] of away.entries()) {
    const name = `flip-${index}.localhost`;
    // One look-up is two questions: the first gets where it may go, the second where it may not.
    records.set(name, (count) => ({ addresses: [count < 2 ? ALLOWED_HOST : address] }));
    const egress = open(origin(name, house.allowedPort));
    const [sunk, served] = [house.sunk(), house.served()];
    t.equal(await outcome(egress, `/?status=302&to=${encodeURIComponent('/')}`), 'UPSTREAM_REFUSED', address);
    t.equal(house.served() - served, 1, 'the first connection went where it was allowed');
    t.equal(
      house.dns.asked.filter((asked) => asked === name).length,
      4,
      'one look-up a connection: the checked address is the dialled one',
    );
    t.equal(house.sunk(), sunk);
    await egress.close();
  }
});

t.test('what was sealed deliberately is reached', async (t) => {
  records.set('svc.localhost', () => ({ addresses: [ALLOWED_HOST] }));
  for (const host of [ALLOWED_HOST, 'svc.localhost']) {
    const egress = open(origin(host, house.allowedPort));
    t.equal(await outcome(egress, '/'), null, host);
    await egress.close();
  }
  t.ok(cases >= 500, `${cases} cases`);
});
