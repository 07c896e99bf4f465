/** Services of a backup: nothing to anybody before airlock-totp says that the restore has taken effect, then whole and once. BACKUP-5. */
import {
  AirlockError,
  servicesDigest,
  sha256Hex,
  type Action,
  type GatewayStatus,
  type ListedOperation,
  type RestoreService,
  type ServiceList,
  type ServiceTools,
} from '@airlock/protocol';
import fs, { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import t from 'tap';
import { GATEWAY_LIMITS } from '../src/limits.js';
import { entry, MANIFEST, refusalOf, startWorld, type Client, type World } from './support/world.js';

const [RESTORE, EARLIER, LATER] = ['r'.repeat(22), 'e'.repeat(22), 'l'.repeat(22)];

let world: World;
let operator: Client;
t.beforeEach(async () => {
  world = await startWorld({
    services: ['mail', 'old'],
    // Its signed heads are of no real log, and a log begun again would be compared with them.
    prepare: ({ totp }) => totp.refuse.set('head.sign', new AirlockError('UNAVAILABLE', 'no heads here')),
  });
  operator = await world.operator();
  given.clear();
});
t.afterEach(() => world.stop());

interface Held {
  readonly service?: string;
  readonly text?: string;
  readonly listed?: string;
  readonly restore?: string;
  /** What the ticket is for, where it is for something else. */
  readonly digest?: string;
}
let tickets = 0;
/** What airlock-totp was given of each restore. */
const given = new Map<string, RestoreService[]>();
const hold = async ({
  service = 'mail',
  text = entry(service, 5),
  listed = '',
  restore = RESTORE,
  digest,
}: Held): Promise<object> => {
  tickets += 1;
  const ticket = `ticket-${tickets}`;
  const params = { service, restore, digest: digest ?? sha256Hex(`${text}\n${listed}`) };
  const action: Action = { verb: 'service.restore', params };
  world.totp.actions.set(ticket, { action, operator: 'default', trial: null });
  const answer = await operator.call('service.restore', { ticket, entry: text, listed });
  const others = (given.get(restore) ?? []).filter((one) => one.service !== service);
  given.set(restore, [...others, { operator: 'default', service, digest: params.digest }]);
  return answer;
};
const names = async (): Promise<string[]> => {
  const { services } = await (await world.operator()).call<ServiceList>('service.list');
  return services.map(({ service }) => service);
};
const status = async (): Promise<GatewayStatus> => (await world.operator()).call<GatewayStatus>('status');
const held = (): string[] => {
  const dir = join(world.stateDir, 'restore');
  return existsSync(dir) ? readdirSync(dir) : [];
};
const heldFile = (service: string): string => join(world.stateDir, 'restore', RESTORE, 'default', `${service}.json`);
/** Airlock-totp says it with its next hello. */
const takeEffect = async (id: string | null, services = given.get(id ?? '') ?? []): Promise<void> => {
  world.totp.restored = id === null ? null : { id, operators: ['default'], services: servicesDigest(services) };
  await world.restart();
  await world.up();
  operator = await world.operator();
};

/** Each write of a file whose path ends so finds no room. @returns the way back */
const fillDisk = (part: string): (() => void) => {
  const { openSync } = fs;
  fs.openSync = (path, ...rest) => {
    if (String(path).endsWith(`${part}.tmp`)) throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' });
    return openSync(path, ...rest);
  };
  syncBuiltinESMExports();
  return () => {
    fs.openSync = openSync;
    syncBuiltinESMExports();
  };
};

const listedText = (accepted: readonly ListedOperation[]): string => JSON.stringify({ v: 1, accepted });
const [SEARCH] = MANIFEST.operations;
const DRAFT = SEARCH === undefined ? [] : [{ operation: { ...SEARCH, name: 'draft' }, hash: '0'.repeat(64) }];

t.test('what is held counts once the restore has taken effect: what is in the backup, and nothing else', async (t) => {
  t.same(await hold({ service: 'mail' }), { service: 'mail' });
  t.same(await hold({ service: 'box', listed: listedText(DRAFT) }), { service: 'box' });
  t.same(
    world.totp.restores.at(-1),
    { restore: RESTORE, operator: 'default', service: 'box' },
    'BACKUP-11: said once it is held',
  );
  await takeEffect(null);
  t.same(await names(), ['mail', 'old'], 'nothing before');
  t.equal((await status()).restored, null);
  await takeEffect(RESTORE);
  t.same(await names(), ['box', 'mail']);
  t.match(await (await world.operator()).call<ServiceTools>('service.tools', { service: 'box' }), { accepted: DRAFT });
  t.same(held(), []);
  t.match(world.events('config_changed').at(-1), { verb: 'restore', operator: 'default', services: ['box', 'mail'] });
  t.match(await status(), { restored: RESTORE, sealed: null });
  await world.until(() => JSON.stringify(world.totp.restores.at(-1)) === JSON.stringify({ restore: RESTORE }), 'its word');
});

t.test('BACKUP-12: once, whatever is left of it, and also where airlock-totp did not hear that it is in force', async (t) => {
  await hold({ service: 'mail' });
  await hold({ service: 'box' });
  const file = readFileSync(heldFile('box'));
  await takeEffect(RESTORE);
  const { length } = world.events('config_changed');
  const vault = join(world.stateDir, 'vault/default');
  writeFileSync(join(vault, 'newer.json'), entry('newer'), { mode: 0o600 });
  for (const left of [[], ['box']]) {
    mkdirSync(join(world.stateDir, 'restore', RESTORE, 'default'), { recursive: true, mode: 0o700 });
    for (const service of left) writeFileSync(heldFile(service), file, { mode: 0o600 });
    await takeEffect(RESTORE);
    t.same(await names(), ['box', 'mail', 'newer'], `with ${left.length} left`);
    t.same(held(), [], 'it goes');
  }
  t.equal(world.events('config_changed').length, length);
  t.equal((await status()).sealed, null);
});

t.test('BACKUP-12: a part is no backup: nothing is put in force, and nothing else is done', async (t) => {
  for (const change of [
    () => rmSync(heldFile('box')),
    () => rmSync(join(world.stateDir, 'restore'), { recursive: true }),
    () => undefined,
  ]) {
    await hold({ service: 'mail' });
    await hold({ service: 'box' });
    change();
    const services = given.get(RESTORE) ?? [];
    await takeEffect(RESTORE, change.toString().includes('undefined') ? services.slice(1) : services);
    t.same(await names(), ['mail', 'old']);
    const { sealed, restored } = await status();
    t.match(sealed, { code: 'VAULT_UNREADABLE', message: /services are not all here/, hint: /restore FILE --force/ });
    t.equal(restored, null);
    t.equal((await refusalOf(operator.call('service.remove', { ticket: 'any' }))).code, 'VAULT_UNREADABLE');
    t.match(world.logs.at(-1), /services are not all here/);
  }
  await hold({ service: 'box', restore: LATER });
  await takeEffect(LATER);
  t.same(await names(), ['box'], 'another restore mends it');
  t.equal((await status()).sealed, null);
});

t.test('BACKUP-12: with no service at all, or of an operator who has none there, nothing is left of before', async (t) => {
  await takeEffect(RESTORE);
  t.same(await names(), []);
  t.match(await status(), { restored: RESTORE, sealed: null });
});

for (const [part, found] of [
  ['vault/default/box.json', ['mail', 'old']],
  ['vault/default/mail.json', ['box', 'mail', 'old']],
  ['listed/default/box.json', ['box', 'mail']],
  ['restored.json', ['box', 'mail']],
] as const)
  t.test(`BACKUP-12: no room for ${part}: nothing is done between, and it is completed`, async (t) => {
    await hold({ service: 'box', listed: listedText(DRAFT) });
    await hold({ service: 'mail' });
    const back = fillDisk(part);
    t.teardown(back);
    await takeEffect(RESTORE);
    t.same(await names(), found);
    t.match((await status()).sealed, { code: 'UNAVAILABLE', message: /not all in force: .*ENOSPC/, hint: /make room/ });
    t.equal((await refusalOf(operator.call('service.remove', { ticket: 'any' }))).code, 'UNAVAILABLE');
    t.same(held(), [RESTORE]);
    await hold({ service: 'box', restore: LATER });
    t.same(held(), [LATER, RESTORE], 'BACKUP-11: another restore removes nothing that is due');
    back();
    await world.advance(GATEWAY_LIMITS.restoreRetryMs + 200);
    t.same(await names(), ['box', 'mail']);
    t.match(await status(), { restored: RESTORE, sealed: null });
    t.same(held(), [LATER]);
    t.equal(world.events('config_changed').filter(({ verb }) => verb === 'restore').length, 1);
  });

t.test('what was on its way when the restore took effect comes to nothing', async (t) => {
  await hold({});
  writeFileSync(join(world.stateDir, 'vault/default/new.next'), entry('new'), { mode: 0o600 });
  await takeEffect(RESTORE);
  t.same(await names(), ['mail']);
  t.same(world.totp.committed, []);
  t.notOk(existsSync(join(world.stateDir, 'vault/default/new.next')));
});

t.test('BACKUP-12: what could not be read of before is gone too, and is not back once it can be', async (t) => {
  await hold({});
  const [vault, listed] = ['vault/default', 'listed/default'].map((dir) => join(world.stateDir, dir));
  for (const path of [`${vault ?? ''}/torn.json`, `${vault ?? ''}/mail.next`, `${listed ?? ''}/torn.json`])
    writeFileSync(path, '{', { mode: 0o600 });
  await world.restart();
  t.match(await status(), { problems: [{ file: /mail\.next/ }, { file: /torn\.json/ }] }, 'negative control');
  await takeEffect(RESTORE);
  t.same(readdirSync(vault ?? ''), ['mail.json']);
  t.same(readdirSync(listed ?? ''), []);
  t.match(await status(), { problems: [], services: 1 });
});

t.test('another restore, or a name that leads elsewhere, puts nothing in force', async (t) => {
  await hold({});
  for (const id of [EARLIER, 'short', `../restore/${'x'.repeat(11)}`]) {
    await takeEffect(id, given.get(RESTORE));
    t.same(await names(), ['mail', 'old'], id);
    t.equal((await status()).sealed?.code, 'VAULT_UNREADABLE');
  }
  t.same(held(), [RESTORE], 'and it waits on');
});

t.test('a ticket is for one content, one service and one restore', async (t) => {
  const refused = async (what: Held): Promise<string> => (await refusalOf(hold(what))).code;
  t.equal(await refused({ digest: sha256Hex('another') }), 'NOT_AUTHENTICATED');
  t.equal(await refused({ service: 'mail', text: entry('box') }), 'VAULT_UNREADABLE');
  t.equal(await refused({ text: '{}' }), 'VAULT_UNREADABLE');
  t.equal(await refused({ restore: 'short' }), 'VAULT_UNREADABLE');
  for (const listed of ['{', '{}', '{"v":1,"accepted":[{}]}'])
    t.equal(await refused({ listed }), 'VAULT_UNREADABLE', `what could not be put in force later: ${listed}`);
  t.same(held(), []);
  world.totp.refuse.set('restore.held', new AirlockError('NOT_FOUND', 'it is over'));
  t.equal(await refused({}), 'NOT_FOUND', 'BACKUP-11: airlock-totp has it open no more');
});

t.test('BACKUP-11: an attempt that is over holds nothing any more', async (t) => {
  await hold({ service: 'box', restore: EARLIER });
  await hold({ service: 'mail' });
  t.same(held(), [RESTORE]);
  await takeEffect(EARLIER);
  t.same(await names(), ['mail', 'old']);
});

t.test('what is held and cannot be read stays, and is said', async (t) => {
  await hold({});
  const text = readFileSync(heldFile('mail'));
  writeFileSync(heldFile('mail'), JSON.stringify({ entry: '{', listed: '' }), { mode: 0o600 });
  writeFileSync(join(world.stateDir, 'restore', RESTORE, 'default/notes.txt'), 'none of ours');
  await takeEffect(RESTORE);
  t.match(world.logs.at(-1), /its services cannot be read: mail\.json is not as airlock-gateway wrote it/);
  t.same(held(), [RESTORE]);
  writeFileSync(heldFile('mail'), text, { mode: 0o600 });
  await takeEffect(RESTORE);
  t.same(await names(), ['mail'], 'negative control');
});

t.test('services of an operator that is not configured any more are put in force for nobody', async (t) => {
  await hold({});
  const text = JSON.stringify({ entry: entry('mail'), listed: '' });
  mkdirSync(join(world.stateDir, 'restore', RESTORE, 'gone'), { mode: 0o700 });
  writeFileSync(join(world.stateDir, 'restore', RESTORE, 'gone/mail.json'), text, { mode: 0o600 });
  const gone = { operator: 'gone', service: 'mail', digest: sha256Hex(`${entry('mail')}\n`) };
  await takeEffect(RESTORE, [gone, ...(given.get(RESTORE) ?? [])]);
  t.same(await names(), ['mail']);
  t.notOk(existsSync(join(world.stateDir, 'vault/gone')));
});

t.test('a damaged restored.json seals: nobody can say which backup is in force', async (t) => {
  for (const text of ['{', '{"id":5}', '{"id":"short"}', 'null']) {
    writeFileSync(join(world.stateDir, 'restored.json'), text, { mode: 0o600 });
    await world.restart();
    t.match((await status()).sealed, { code: 'VAULT_UNREADABLE', message: /restored\.json is damaged/ }, text);
  }
  rmSync(join(world.stateDir, 'restored.json'));
  await world.restart();
  t.equal((await status()).sealed, null, 'negative control');
});
