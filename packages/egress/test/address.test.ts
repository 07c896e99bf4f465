/** The pure decisions: which place an address is, which host may stand there, which URL is within. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import { parseOrigin } from '@airlock/protocol';
import { canonicalAddress, isNearby, literalOf, placeOf, refusedPlace } from '../src/address.js';
import { checkPeer } from '../src/dial.js';
import { targetOf } from '../src/target.js';

const spec = readFileSync(join(import.meta.dirname, '../../../../docs/spec/egress.md'), 'utf8');

t.test('EGRESS-3, EGRESS-6: places', async (t) => {
  const places = {
    public: [
      '1.1.1.1',
      '93.184.215.14',
      '192.0.1.1',
      '198.17.0.1',
      '2606:2800:21f:cb07:6820:80da:af6b:8b2c',
      '2a00:1450:4001::1',
    ],
    private: ['10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.0.1', 'fc00::1', 'fd12::1'],
    loopback: ['127.0.0.1', '127.255.255.254', '::1'],
    never: [
      '',
      'x',
      '1',
      '127.1',
      '::1%lo',
      'fe80::1',
      '0.0.0.0',
      '100.64.0.1',
      '169.254.169.254',
      '::ffff:1.1.1.1',
      '::1.1.1.1',
      '4000::1',
    ],
  };
  for (const [place, addresses] of Object.entries(places))
    for (const address of addresses) t.equal(placeOf(address), place, address);
});

t.test('EGRESS-4, EGRESS-5: hosts', async (t) => {
  const allowed = (host: string, address: string, isEncrypted = true): boolean =>
    refusedPlace(host, isEncrypted, address) === null;
  const yes: readonly (readonly [string, string, boolean?])[] = [
    ['127.0.0.1', '127.0.0.1', false],
    ['[::1]', '::1'],
    ['[fd12::1]', 'fd12:0:0:0:0:0:0:1'],
    ['192.168.1.5', '192.168.1.5', false],
    ['localhost', '127.0.0.1'],
    ['a.localhost.', '::1'],
    ['nas', '10.0.0.1', false],
    ['nas.local', 'fd12::1'],
    ['nas.lan', '1.1.1.1'],
    ['example.org', '1.1.1.1', false],
  ];
  for (const [host, address, isEncrypted] of yes) t.ok(allowed(host, address, isEncrypted), `${host} ${address}`);
  const no: readonly (readonly [string, string, boolean?])[] = [
    ['127.0.0.1', '127.0.0.2'],
    ['example.org', '10.0.0.1'],
    ['lan', '127.0.0.1'],
    ['example.lan.org', '10.0.0.1'],
    ['notlocalhost', '127.0.0.1'],
    ['localhost', '10.0.0.1'],
    ['nas.lan', '1.1.1.1', false],
    ['169.254.169.254', '169.254.169.254'],
    ['[::ffff:7f00:1]', '::ffff:127.0.0.1'],
  ];
  for (const [host, address, isEncrypted] of no) t.notOk(allowed(host, address, isEncrypted), `${host} ${address}`);
  t.same([isNearby('nas'), isNearby('10.0.0.1'), isNearby('1.1.1.1'), isNearby('example.org')], [true, true, false, false]);
});

t.test('no host reaches what is never reached, and an ordinary name nothing but the public', async (t) => {
  const address = fc.oneof(fc.ipV4(), fc.ipV6());
  const host = fc.oneof(fc.domain(), fc.constantFrom('localhost', 'nas', 'nas.lan', 'a.internal'), fc.ipV4());
  fc.assert(
    fc.property(host, address, (name, to) => {
      const isAllowed = refusedPlace(name, true, to) === null;
      const isPlain =
        literalOf(name) === null && /\.[a-z]{2,}$/i.test(name) && !/\.(local|lan|arpa|internal|home|localhost)$/i.test(name);
      return !isAllowed || (placeOf(to) !== 'never' && (!isPlain || placeOf(to) === 'public'));
    }),
    { numRuns: 2000 },
  );
  t.equal(canonicalAddress('2001:DB8:0::1'), '2001:db8::1');
});

t.test('EGRESS-2: a peer that was not among the checked addresses ends the connection', async (t) => {
  const checked = [{ address: '1.1.1.1', family: 4 as const }];
  t.doesNotThrow(() => checkPeer('1.1.1.1', checked));
  for (const peer of ['127.0.0.1', '::ffff:1.1.1.1', '', undefined])
    t.throws(() => checkPeer(peer, checked), { code: 'UPSTREAM_REFUSED' });
});

t.test('EGRESS-1: the example of the specification', async (t) => {
  const origins = ['http://127.0.0.1:8080', 'https://api.example.org:443', 'https://nas.lan:443'].map((text) =>
    parseOrigin(text),
  );
  const lines = (/```text\n([\s\S]*?)```/.exec(spec)?.[1] ?? '').trim().split('\n');
  t.equal(lines.length, 9);
  for (const line of lines) {
    const [, url = '', addresses = '', outcome = ''] = /^(\S+)\s+(\S+(?: \S+)?)\s{2,}(.*)$/.exec(line) ?? [];
    if (outcome === 'PARAMS_INVALID') {
      t.throws(() => targetOf(url, origins), { code: 'PARAMS_INVALID' }, line);
      continue;
    }
    const { origin } = targetOf(url, origins);
    const isAllowed = addresses
      .split(' ')
      .every((address) => refusedPlace(origin.host, origin.scheme === 'https', address) === null);
    t.equal(isAllowed, outcome.startsWith('connects'), line);
  }
});
