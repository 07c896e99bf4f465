/** Services of a backup: nothing to anybody before airlock-totp says that the restore has taken effect, then whole. BACKUP-5. */
import {
  AirlockError,
  sha256Hex,
  type Action,
  type ListedOperation,
  type ServiceList,
  type ServiceTools,
} from '@airlock/protocol';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { entry, MANIFEST, refusalOf, startWorld, type Client, type World } from './support/world.js';

const [RESTORE, EARLIER] = ['r'.repeat(22), 'e'.repeat(22)];

let world: World;
let operator: Client;
t.beforeEach(async () => {
  world = await startWorld({
    services: ['mail', 'old'],
    // Its signed heads are of no real log, and a log begun again would be compared with them.
    prepare: ({ totp }) => totp.refuse.set('head.sign', new AirlockError('UNAVAILABLE', 'no heads here')),
  });
  operator = await world.operator();
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
const hold = ({ service = 'mail', text = entry(service, 5), listed = '', restore = RESTORE, digest }: Held): Promise<object> => {
  tickets += 1;
  const ticket = `ticket-${tickets}`;
  const params = { service, restore, digest: digest ?? sha256Hex(`${text}\n${listed}`) };
  const action: Action = { verb: 'service.restore', params };
  world.totp.actions.set(ticket, { action, operator: 'default', trial: null });
  return operator.call('service.restore', { ticket, entry: text, listed });
};
const names = async (): Promise<string[]> => {
  const { services } = await (await world.operator()).call<ServiceList>('service.list');
  return services.map(({ service }) => service);
};
const held = (): string[] => {
  const dir = join(world.stateDir, 'restore');
  return existsSync(dir) ? readdirSync(dir) : [];
};
/** Airlock-totp says it with its next hello. */
const takeEffect = async (id: string | null): Promise<void> => {
  world.totp.restored = id;
  await world.restart();
  await world.up();
};

const listedText = (accepted: readonly ListedOperation[]): string => JSON.stringify({ v: 1, accepted });
const [SEARCH] = MANIFEST.operations;
const DRAFT = SEARCH === undefined ? [] : [{ operation: { ...SEARCH, name: 'draft' }, hash: '0'.repeat(64) }];

t.test('what is held counts once the restore has taken effect: what is in the backup, and nothing else', async (t) => {
  t.same(await hold({ service: 'mail' }), { service: 'mail' });
  t.same(await hold({ service: 'box', listed: listedText(DRAFT) }), { service: 'box' });
  await takeEffect(null);
  t.same(await names(), ['mail', 'old'], 'nothing before');
  await takeEffect(RESTORE);
  t.same(await names(), ['box', 'mail']);
  t.match(await (await world.operator()).call<ServiceTools>('service.tools', { service: 'box' }), { accepted: DRAFT });
  t.same(held(), []);
  t.match(world.events('config_changed').at(-1), { verb: 'restore', services: ['box', 'mail'] });
  const { length } = world.events('config_changed');
  await takeEffect(RESTORE);
  t.equal(world.events('config_changed').length, length, 'once');
});

t.test('another restore, or a name that leads elsewhere, puts nothing in force', async (t) => {
  await hold({});
  for (const id of [EARLIER, 'short', `../restore/${'x'.repeat(11)}`]) {
    await takeEffect(id);
    t.same(await names(), ['mail', 'old'], id);
  }
  t.same(held(), [RESTORE], 'and it waits on');
});

t.test('a ticket is for one content, one service and one restore', async (t) => {
  const refused = async (what: Held): Promise<string> => (await refusalOf(hold(what))).code;
  t.equal(await refused({ digest: sha256Hex('another') }), 'NOT_AUTHENTICATED');
  t.equal(await refused({ service: 'mail', text: entry('box') }), 'VAULT_UNREADABLE');
  t.equal(await refused({ text: '{}' }), 'VAULT_UNREADABLE');
  t.equal(await refused({ restore: 'short' }), 'VAULT_UNREADABLE');
  t.same(held(), []);
});

t.test('an attempt that was never finished holds nothing any more', async (t) => {
  await hold({ service: 'box', restore: EARLIER });
  await hold({ service: 'mail' });
  t.same(held(), [RESTORE]);
  await takeEffect(EARLIER);
  t.same(await names(), ['mail', 'old']);
});

t.test('what is held and cannot be read stays, and is said', async (t) => {
  await hold({});
  const file = join(world.stateDir, 'restore', RESTORE, 'default/mail.json');
  writeFileSync(file, JSON.stringify({ entry: '{', listed: '' }), { mode: 0o600 });
  writeFileSync(join(world.stateDir, 'restore', RESTORE, 'default/notes.txt'), 'none of ours');
  await takeEffect(RESTORE);
  t.match(world.logs.at(-1), /services of a backup cannot be put in force: mail\.json is not as airlock-gateway wrote it/);
  t.same(held(), [RESTORE]);
  writeFileSync(file, JSON.stringify({ entry: entry('mail', 5), listed: '' }), { mode: 0o600 });
  await takeEffect(RESTORE);
  t.same(await names(), ['mail'], 'negative control');
});

t.test('services of an operator that is not configured any more are put in force for nobody', async (t) => {
  await hold({});
  mkdirSync(join(world.stateDir, 'restore', RESTORE, 'gone'), { mode: 0o700 });
  writeFileSync(join(world.stateDir, 'restore', RESTORE, 'gone/mail.json'), 'x', { mode: 0o600 });
  await takeEffect(RESTORE);
  t.same(await names(), ['mail']);
  t.notOk(existsSync(join(world.stateDir, 'vault/gone')));
});
