/** A log that is begun anew because root accepted it with a code: ACCEPT-3, ACCEPT-4. */
import { openLog, type AuditLog } from '@airlock/audit';
import type { BegunAnew } from '@airlock/protocol';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { begunWith, mustBeginAnew, recordBegun, recordOther, setLogAside } from '../src/journal/begin-anew.js';
import type { GatewayOptions } from '../src/options.js';
import { ManualClock } from './support/time.js';

const ASKED: BegunAnew = { id: 'a'.repeat(18), size: 7, hash: '00'.repeat(32) };
const UNAVAILABLE = { code: 'AUDIT_UNAVAILABLE' };
const OTHER: BegunAnew = { ...ASKED, id: 'b'.repeat(18) };

/** The state of a gateway that is started over and over. */
class Bench {
  readonly dir = mkdtempSync(join(tmpdir(), 'airlock-anew-'));
  readonly said: string[] = [];
  readonly file = join(this.dir, 'audit-anew.json');
  readonly options = { stateDir: this.dir, log: (text: string) => void this.said.push(text) } as unknown as GatewayOptions;
  log: AuditLog | null = null;

  /** As a start does it: the old log set aside, the new one opened, its first record written. */
  start(): AuditLog {
    const unopened = setLogAside(this.options);
    const log = openLog({ dir: join(this.dir, 'audit'), clock: new ManualClock(), reserveBytes: 0, unopened });
    this.log = log;
    recordBegun(this.options, log);
    return log;
  }

  /** As after a hello. */
  asks(asked: BegunAnew | undefined): boolean {
    return mustBeginAnew(this.options, this.log ?? ({ sealed: null } as unknown as AuditLog), asked);
  }

  async stop(): Promise<void> {
    await this.log?.close();
    this.log = null;
  }

  /** What is in the way of every write of the decision. */
  obstruct(): () => void {
    mkdirSync(`${this.file}.tmp`);
    return () => rmdirSync(`${this.file}.tmp`);
  }

  get kept(): unknown {
    return existsSync(this.file) ? (JSON.parse(readFileSync(this.file, 'utf8')) as unknown) : null;
  }

  aside(): string[] {
    return readdirSync(this.dir).filter((name) => name.startsWith('audit.set-aside-'));
  }

  events(): string[] {
    const dir = join(this.dir, 'audit');
    const text = readdirSync(dir)
      .filter((name) => name.endsWith('.jsonl'))
      .map((name) => readFileSync(join(dir, name), 'utf8'))
      .join('');
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => (JSON.parse(line) as { event: string }).event);
  }
}

let bench: Bench;
t.beforeEach(() => {
  bench = new Bench();
});
t.afterEach(async () => {
  await bench.stop();
  rmSync(bench.dir, { recursive: true });
});

t.test('ACCEPT-3, ACCEPT-4: the old log is renamed, the new one begins with the decision, and that once', async (t) => {
  bench.start().appendDurableSync('started', {});
  t.equal(bench.asks(undefined), false, 'nothing was accepted');
  t.equal(bench.asks(ASKED), true);
  await bench.stop();
  bench.start();
  t.same(bench.aside(), [`audit.set-aside-${ASKED.id}`]);
  t.same(bench.events(), ['log_begun']);
  t.match(bench.kept, { gateway: { ...ASKED, step: 'begun' } });
  t.equal(bench.asks(ASKED), false, 'carried out already');
  await bench.stop();
  bench.start();
  t.same(bench.aside(), [`audit.set-aside-${ASKED.id}`]);
  t.same(bench.events(), ['log_begun']);
});

t.test('ACCEPT-4: an older state of airlock-totp that asks for an older decision is not heard', async (t) => {
  const later: BegunAnew = { ...ASKED, id: 'c'.repeat(18) };
  t.equal(begunWith(bench.options), undefined, 'negative control: never begun anew');
  for (const [asked, before] of [
    [ASKED, undefined],
    [later, ASKED.id],
  ] as const) {
    t.equal(bench.asks(asked), true);
    t.equal(begunWith(bench.options), before, 'not begun yet: it is what it was before');
    await bench.stop();
    bench.start();
    t.equal(begunWith(bench.options), asked.id);
  }
  t.equal(bench.asks(ASKED), false);
  t.equal(begunWith(bench.options), later.id, 'and stays what it is');
  t.equal(bench.asks({ ...ASKED, id: 'd'.repeat(18) }), true, 'negative control: a new one');
});

t.test('a log of that name is in the way already: the next gets a number', async (t) => {
  bench.start();
  bench.asks(ASKED);
  await bench.stop();
  mkdirSync(join(bench.dir, `audit.set-aside-${ASKED.id}`));
  bench.start();
  t.same(bench.aside(), [`audit.set-aside-${ASKED.id}`, `audit.set-aside-${ASKED.id}-2`]);
});

t.test('a log that was lost whole is begun all the same', (t) => {
  bench.asks(ASKED);
  bench.start();
  t.same(bench.aside(), []);
  t.same(bench.events(), ['log_begun']);
  t.end();
});

t.test('killed after its first record: it is not written again', async (t) => {
  bench.asks(ASKED);
  bench.start();
  writeFileSync(bench.file, JSON.stringify({ gateway: { ...ASKED, step: 'aside' } }), { mode: 0o600 });
  await bench.stop();
  bench.start();
  t.same(bench.events(), ['log_begun']);
  t.match(bench.kept, { gateway: { step: 'begun' } });
});

t.test('ACCEPT-3: what is damaged sets nothing aside, and says so', async (t) => {
  const log = bench.start();
  log.appendDurableSync('started', {});
  const gateway = { ...ASKED, step: 'asked' };
  const damages: Readonly<Record<string, string>> = {
    'no JSON': '{"gateway":',
    null: 'null',
    'a number': '1',
    'a list': '[]',
    'another id of airlock-totp': JSON.stringify({ gateway, totp: '../x' }),
    'nothing where a decision should be': JSON.stringify({ gateway: null }),
    'a damaged list of what was done': JSON.stringify({ gateway, done: ['../x'] }),
    'no list of what was done': JSON.stringify({ gateway, done: 1 }),
    'no id': JSON.stringify({ gateway: { ...gateway, id: '../../x' } }),
    'no size': JSON.stringify({ gateway: { ...gateway, size: 1.5 } }),
    'no hash': JSON.stringify({ gateway: { ...gateway, hash: 1 } }),
    'no step': JSON.stringify({ gateway: { ...gateway, step: 'done' } }),
  };
  await bench.stop();
  for (const [name, text] of Object.entries(damages)) {
    writeFileSync(bench.file, text, { mode: 0o600 });
    bench.start();
    t.same(bench.aside(), [], name);
    t.match(bench.said.at(-1), /audit-anew\.json (is damaged|cannot be read)/, name);
    t.throws(() => bench.asks(ASKED), UNAVAILABLE, `${name}: nothing is begun by it, and nothing signed`);
    await bench.stop();
  }
  writeFileSync(bench.file, JSON.stringify({ gateway }), { mode: 0o600 });
  bench.start();
  t.equal(bench.aside().length, 1, 'negative control');
});

t.test('ACCEPT-8: a decision that cannot be kept is not carried out, nothing is signed, and it is asked for again', (t) => {
  const clear = bench.obstruct();
  t.throws(() => bench.asks(ASKED), { ...UNAVAILABLE, message: /cannot begin anew/ });
  clear();
  t.equal(bench.asks(ASKED), true);
  t.end();
});

t.test('ACCEPT-8: a log that was set aside is not followed by another before that is kept', async (t) => {
  bench.start().appendDurableSync('started', {});
  bench.asks(ASKED);
  await bench.stop();
  const clear = bench.obstruct();
  t.match(bench.start().sealed, { ...UNAVAILABLE, message: /the old log cannot be set aside/ });
  t.notOk(existsSync(join(bench.dir, 'audit')), 'nothing is begun');
  t.throws(() => bench.asks(ASKED), UNAVAILABLE, 'still not');
  clear();
  t.equal(bench.asks(ASKED), true, 'tried again, and this process has to start again');
  await bench.stop();
  bench.start();
  t.same(bench.events(), ['log_begun']);
  await bench.stop();
  bench.start();
  t.same(bench.aside(), [`audit.set-aside-${ASKED.id}`], 'ACCEPT-4: once');
  t.same(bench.events(), ['log_begun']);
});

t.test('ACCEPT-4: killed after it was set aside, before that was kept: it is not set aside again', async (t) => {
  bench.start().appendDurableSync('started', {});
  bench.asks(ASKED);
  await bench.stop();
  renameSync(join(bench.dir, 'audit'), join(bench.dir, `audit.set-aside-${ASKED.id}`));
  for (let n = 0; n < 2; n += 1) {
    bench.start();
    t.same(bench.events(), ['log_begun']);
    await bench.stop();
    t.same(bench.aside(), [`audit.set-aside-${ASKED.id}`]);
  }
  writeFileSync(bench.file, JSON.stringify({ gateway: { ...ASKED, step: 'asked' } }), { mode: 0o600 });
  bench.start();
  t.same(
    bench.aside(),
    [`audit.set-aside-${ASKED.id}`],
    'nor where what was kept is put back: the log says that it is the new one',
  );
});

t.test('a log that was begun, and that cannot be kept: it is said', async (t) => {
  bench.start();
  writeFileSync(bench.file, JSON.stringify({ gateway: { ...ASKED, step: 'aside' } }), { mode: 0o600 });
  await bench.stop();
  bench.obstruct();
  bench.start();
  t.match(bench.said.at(-1), /is begun, and that cannot be kept/);
  t.equal(begunWith(bench.options), ASKED.id);
});

t.test('BRIDGE-8: where what was kept is lost or damaged, the log says with which decision it began', async (t) => {
  bench.asks(ASKED);
  bench.start();
  const damages: readonly (() => void)[] = [
    () => rmSync(bench.file),
    () => writeFileSync(bench.file, 'x', { mode: 0o600 }),
    () => writeFileSync(bench.file, JSON.stringify({ totp: OTHER.id }), { mode: 0o600 }),
  ];
  for (const damage of damages) {
    damage();
    t.equal(begunWith(bench.options), ASKED.id);
    t.equal(bench.asks(ASKED), false, 'and is not begun again');
    await bench.stop();
    t.equal(bench.start().sealed, null);
    t.equal(begunWith(bench.options), ASKED.id);
  }
  t.match(bench.kept, { gateway: { ...ASKED, step: 'begun' }, totp: OTHER.id }, 'it is kept again');
});

t.test('ACCEPT-4: an older decision is not carried out again where what was done is lost', async (t) => {
  const log = bench.start();
  log.appendDurableSync('started', {});
  bench.asks(ASKED);
  await bench.stop();
  bench.start();
  bench.asks(OTHER);
  await bench.stop();
  bench.start();
  rmSync(bench.file);
  t.equal(bench.asks(ASKED), false, 'what is set aside says so');
  await bench.stop();
  rmSync(join(bench.dir, 'audit'), { recursive: true });
  bench.start().appendDurableSync('started', {});
  t.throws(() => bench.asks(ASKED), UNAVAILABLE, 'of a log that never began anew nobody knows: it may be the old one');
  t.equal(bench.asks({ ...ASKED, id: 'd'.repeat(18) }), true, 'negative control: a new decision');
});

t.test('a damaged decision, and a log whose beginning was removed because of its age: it stays sealed', async (t) => {
  const clock = new ManualClock();
  const dir = join(bench.dir, 'audit');
  const log = openLog({ dir, clock, reserveBytes: 0 });
  log.appendDurableSync('started', {});
  clock.advance(86_400_000);
  log.appendDurableSync('operation', {});
  await log.close();
  rmSync(
    join(
      dir,
      readdirSync(dir)
        .filter((name) => name.endsWith('.jsonl'))
        .sort()[0] ?? '',
    ),
  );
  t.equal(setLogAside(bench.options), undefined, 'negative control: without such a file it never began anew');
  writeFileSync(bench.file, 'x', { mode: 0o600 });
  t.match(bench.start().sealed, { ...UNAVAILABLE, message: /does not say with what it began/ });
});

t.test('that the log of airlock-totp was begun anew stands in this one, once', async (t) => {
  const log = bench.start();
  recordOther(bench.options, log, undefined);
  t.same(bench.events(), []);
  recordOther(bench.options, log, OTHER);
  recordOther(bench.options, log, OTHER);
  t.same(bench.events(), ['log_accepted']);
  t.match(bench.kept, { totp: OTHER.id });
  writeFileSync(bench.file, '[]', { mode: 0o600 });
  recordOther(bench.options, log, ASKED);
  t.same(bench.events(), ['log_accepted'], 'damaged: nobody can say what stands here already');
  rmSync(bench.file);
  bench.obstruct();
  recordOther(bench.options, log, ASKED);
  t.same(bench.events(), ['log_accepted', 'log_accepted']);
  t.match(bench.said.at(-1), /cannot be written/);
});
