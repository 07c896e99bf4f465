/** What a restore will check, checked before a backup is made. BACKUP-8, BACKUP-9, BACKUP-10. */
import { CLIENT_LIMITS, requestText } from '@airlock/ipc';
import { AirlockError, MAX_BLOB_BYTES, packBlobs } from '@airlock/protocol';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { acceptAnew, collectConfig, collectServices } from '../src/backup/collect.js';
import { requireNew } from '../src/backup/make.js';
import { HOLD, holdBytes, holdParams, LONGEST_TICKET, named, orderBytes } from '../src/backup/requests.js';
import { MAX_BACKUP_BYTES, requireEntry, requireOrder, requireRoom, whyLeftOut } from '../src/backup/restorable.js';
import { requireReader } from '../src/terminal/shown-once.js';

const dir = mkdtempSync(join(tmpdir(), 'restorable-'));
t.teardown(() => rmSync(dir, { recursive: true, force: true }));

const entryOf = (service: string): string =>
  JSON.stringify({
    ...{ v: 1, service, kind: 'http-json', settings: { domains: 'a.example' }, fields: ['token'] },
    ...{ destination: { kind: 'http-json', user: '' }, updatedAt: null, record: null },
  });
const ENTRY = entryOf('one');
const listOf = (pad: string): string => `{"v":1,"pad":"${pad}","accepted":[]}`;

const refusalOf = (run: () => unknown): string => {
  try {
    run();
    return 'none';
  } catch (thrown) {
    const { code, message, data } = thrown as AirlockError;
    return `${code}: ${message} | ${data.hint}`;
  }
};

t.test('BACKUP-9: an entry is taken as the gateway will read it, or refused by its path with a remedy', async (t) => {
  const refused = (text: string, service = 'one'): string =>
    refusalOf(() => requireEntry(`/state/vault/${service}.json`, service, text));
  t.equal(refused(ENTRY), 'none', 'negative control');
  for (const text of [
    '',
    'null',
    '[]',
    ENTRY.slice(0, 60),
    ENTRY.replace('"v":1', '"v":2'),
    ENTRY.replace('"fields"', '"felder"'),
  ])
    t.match(refused(text), /^VAULT_UNREADABLE: \/state\/vault\/one\.json is damaged.* \| airlock-ctl service remove one, /, text);
  t.match(
    refused(ENTRY, 'one (copy)'),
    /is the file of another service \(one\).* \| .*sudo mv '\/state\/vault\/one \(copy\)\.json' \/root\/$/,
  );
  const room = 200_000 - ENTRY.length;
  t.equal(refused(ENTRY + ' '.repeat(room)), 'none');
  t.match(refused(ENTRY + ' '.repeat(room + 1)), /one\.json is too large/);
});

t.test('BACKUP-8: an accepted list is measured in bytes of the frame that takes it', async (t) => {
  t.equal(whyLeftOut(ENTRY, ''), null);
  t.equal(whyLeftOut(ENTRY, listOf('')), null);
  for (const text of ['{', 'null', '{"v":2,"accepted":[]}', '{"v":1}', '{"v":1,"accepted":[{}]}'])
    t.equal(whyLeftOut(ENTRY, text), 'damaged', text);
  const emptyBytes = holdBytes(holdParams(LONGEST_TICKET, { entry: ENTRY, listed: listOf('') }));
  const room = CLIENT_LIMITS.maxFrameOutBytes - emptyBytes;
  const wide = '界'.repeat(Math.floor(room / 3));
  t.equal(whyLeftOut(ENTRY, listOf(wide)), null);
  t.equal(whyLeftOut(ENTRY, listOf(`${wide}界`)), 'too large', 'though it has half of the characters');
  t.equal(whyLeftOut(ENTRY, listOf('x'.repeat(700_000))), 'too large', 'though it has half of the bytes');
  const quotes = String.raw`\"`.repeat(Math.floor(room / 4));
  t.equal(whyLeftOut(ENTRY, listOf(quotes)), null);
  t.equal(whyLeftOut(ENTRY, listOf(quotes + String.raw`\"`)), 'too large', 'a quote takes four bytes there');
  const real = requestText(1, HOLD, holdParams('A'.repeat(43), { entry: ENTRY, listed: listOf(wide) }));
  t.ok(Buffer.byteLength(real) <= CLIENT_LIMITS.maxFrameOutBytes, 'what is sent is no larger than what was measured');
});

t.test('BACKUP-9: as many services as the order has room for, and no more', async (t) => {
  const services = (count: number): { operator: string; service: string; entry: string; listed: string }[] =>
    Array.from({ length: count }, (_, n) => ({ operator: 'default', service: `s${n}`, entry: ENTRY, listed: '' }));
  const fits = (count: number): boolean => refusalOf(() => requireOrder(['default'], services(count))) === 'none';
  let most = 1;
  while (fits(most + 1)) most += 1;
  const order = (count: number): Buffer => orderBytes({ default: LONGEST_TICKET }, services(count).map(named));
  packBlobs(Buffer.alloc(32), order(most));
  t.ok(order(most).length <= MAX_BLOB_BYTES && order(most + 1).length > MAX_BLOB_BYTES);
  t.throws(() => packBlobs(Buffer.alloc(32), order(most + 1)), RangeError, 'negative control: what a restore would say');
  const refused = refusalOf(() => requireOrder(['default'], services(most + 1)));
  t.match(refused, /^UNAVAILABLE: one backup cannot name \d+ services \(default \d+\) \| .*airlock-ctl service remove SERVICE$/);
});

t.test('BACKUP-9: what is too much for a file is refused by its largest', async (t) => {
  const half = MAX_BACKUP_BYTES / 2;
  t.equal(
    refusalOf(() =>
      requireRoom(
        new Map([
          ['/a', half],
          ['/b', half],
        ]),
      ),
    ),
    'none',
  );
  const refused = refusalOf(() =>
    requireRoom(
      new Map([
        ['/a', half],
        ['/b', half + 1],
      ]),
    ),
  );
  t.match(refused, /^UNAVAILABLE: a backup has at most 134217728 bytes, .*largest of it is \/b \(67108865 bytes\)/);
  mkdirSync(join(dir, 'config/skills'), { recursive: true });
  writeFileSync(join(dir, 'config/airlock.yaml'), 'leases: {}\n');
  // Twice as long in JSON.
  for (const name of ['a', 'b', 'c']) writeFileSync(join(dir, `config/skills/${name}.md`), '\n'.repeat(24 * 1024 * 1024));
  t.match(
    refusalOf(() => collectConfig({ configDir: join(dir, 'config') })),
    /largest of it is \S+skills\/a\.md \(50331650 bytes\)/,
  );
  rmSync(join(dir, 'config/skills/c.md'));
  t.strictSame(Object.keys(collectConfig({ configDir: join(dir, 'config') })), ['airlock.yaml', 'skills/a.md', 'skills/b.md']);
});

t.test('BACKUP-9: a name that no restore puts back is refused', async (t) => {
  const configDir = join(dir, 'odd');
  mkdirSync(join(configDir, 'policies'), { recursive: true });
  for (const name of ['two\nlines.json', 'esc\u001b[31m.json', 'c1\u009b.json']) {
    const path = join(configDir, 'policies', name);
    writeFileSync(path, '{}');
    const refused = refusalOf(() => collectConfig({ configDir }));
    t.ok(refused.startsWith(`VAULT_UNREADABLE: ${path} has a name that no restore puts back`), refused);
    rmSync(path);
  }
  const taken = ['.hidden', 'list.json~', 'no list.json', 'ä.json'];
  for (const name of taken) writeFileSync(join(configDir, 'policies', name), '{}');
  const found = Object.keys(collectConfig({ configDir }));
  t.strictSame(
    found,
    taken.map((name) => `policies/${name}`),
    'negative control: a daemon reads what has any other',
  );
});

t.test('BACKUP-8: what is left out is named with the commands that bring it back', async (t) => {
  const put = (kind: string, service: string, text: string): void => {
    mkdirSync(join(dir, 'gateway', kind, 'default'), { recursive: true });
    writeFileSync(join(dir, 'gateway', kind, 'default', `${service}.json`), text);
  };
  for (const service of ['one', 'two', 'three']) put('vault', service, entryOf(service));
  put('listed', 'one', listOf('kept'));
  put('listed', 'two', '{"v":1,"accep');
  symlinkSync('/etc/passwd', join(dir, 'gateway/listed/default/three.json'));
  const { services, leftOut } = collectServices({ env: { AIRLOCK_STATE_DIR: dir } }, ['default']);
  const lists = Object.fromEntries(services.map(({ service, listed }) => [service, listed]));
  t.strictSame(lists, { one: listOf('kept'), three: '', two: '' });
  t.strictSame(
    leftOut.map(({ service, why }) => `${service} ${why}`),
    ['three damaged', 'two damaged'],
  );
  t.equal(
    acceptAnew({ operator: 'default', service: 'two', why: 'damaged' }),
    'AIRLOCK_OPERATOR=default airlock-ctl service test two && AIRLOCK_OPERATOR=default airlock-ctl service accept two  # its accepted list is not in the backup: damaged',
  );
});

t.test('BACKUP-9: a link into nowhere is no free name', async (t) => {
  symlinkSync(join(dir, 'nowhere'), join(dir, 'link'));
  t.match(
    refusalOf(() => requireNew(join(dir, 'link'))),
    /^PARAMS_INVALID: .*found a file that is there already/,
  );
  t.equal(
    refusalOf(() => requireNew(join(dir, 'free'))),
    'none',
  );
});

t.test('BACKUP-10: a stdout that is the null device shows nobody anything', async (t) => {
  for (const [path, refused] of [
    ['/dev/null', true],
    ['/dev/zero', false],
    [join(dir, 'out'), false],
  ] as const) {
    const fd = openSync(path, 'w');
    t.equal(refusalOf(() => requireReader('the key', fd)).startsWith('PARAMS_INVALID: the key is printed once'), refused, path);
    closeSync(fd);
  }
});
