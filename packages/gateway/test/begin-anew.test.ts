/** A log that is begun anew because root accepted it with a code: ACCEPT-3, ACCEPT-4. */
import { openLog, type AuditLog } from '@airlock/audit';
import type { BegunAnew } from '@airlock/protocol';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, rmdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { begunWith, mustBeginAnew, recordBegun, recordOther, setLogAside } from '../src/journal/begin-anew.js';
import type { GatewayOptions } from '../src/options.js';
import { ManualClock } from './support/time.js';

const ASKED: BegunAnew = { id: 'a'.repeat(18), size: 7, hash: '00'.repeat(32) };
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
    setLogAside(this.options);
    const log = openLog({ dir: join(this.dir, 'audit'), clock: new ManualClock(), reserveBytes: 0 });
    this.log = log;
    recordBegun(this.options, log);
    return log;
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
  t.equal(mustBeginAnew(bench.options, undefined), false, 'nothing was accepted');
  t.equal(mustBeginAnew(bench.options, ASKED), true);
  await bench.stop();
  bench.start();
  t.same(bench.aside(), [`audit.set-aside-${ASKED.id}`]);
  t.same(bench.events(), ['log_begun']);
  t.match(bench.kept, { gateway: { ...ASKED, step: 'begun' } });
  t.equal(mustBeginAnew(bench.options, ASKED), false, 'carried out already');
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
    t.equal(mustBeginAnew(bench.options, asked), true);
    t.equal(begunWith(bench.options), undefined, `not begun yet, whatever it was before: ${String(before)}`);
    await bench.stop();
    bench.start();
    t.equal(begunWith(bench.options), asked.id);
  }
  t.equal(mustBeginAnew(bench.options, ASKED), false);
  t.equal(begunWith(bench.options), later.id, 'and stays what it is');
  t.equal(mustBeginAnew(bench.options, { ...ASKED, id: 'd'.repeat(18) }), true, 'negative control: a new one');
});

t.test('a log of that name is in the way already: the next gets a number', async (t) => {
  bench.start();
  mustBeginAnew(bench.options, ASKED);
  await bench.stop();
  mkdirSync(join(bench.dir, `audit.set-aside-${ASKED.id}`));
  bench.start();
  t.same(bench.aside(), [`audit.set-aside-${ASKED.id}`, `audit.set-aside-${ASKED.id}-2`]);
});

t.test('a log that was lost whole is begun all the same', (t) => {
  mustBeginAnew(bench.options, ASKED);
  bench.start();
  t.same(bench.aside(), []);
  t.same(bench.events(), ['log_begun']);
  t.end();
});

t.test('killed after its first record: it is not written again', async (t) => {
  mustBeginAnew(bench.options, ASKED);
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
    t.equal(mustBeginAnew(bench.options, ASKED), false, `${name}: nothing is begun by it`);
    await bench.stop();
  }
  writeFileSync(bench.file, JSON.stringify({ gateway }), { mode: 0o600 });
  bench.start();
  t.equal(bench.aside().length, 1, 'negative control');
});

t.test('a decision that cannot be kept is not carried out, and is asked for again', (t) => {
  const clear = bench.obstruct();
  t.equal(mustBeginAnew(bench.options, ASKED), false);
  t.match(bench.said.at(-1), /cannot begin anew/);
  clear();
  t.equal(mustBeginAnew(bench.options, ASKED), true);
  t.end();
});

t.test('a step that cannot be kept is said, and done again at the next start', async (t) => {
  bench.start().appendDurableSync('started', {});
  mustBeginAnew(bench.options, ASKED);
  await bench.stop();
  const clear = bench.obstruct();
  bench.start();
  t.match(bench.said.at(-1), /the old log cannot be set aside/);
  await bench.stop();
  clear();
  bench.start();
  t.same(bench.events(), ['log_begun']);
  t.equal(bench.aside().length, 2, 'and nothing was deleted');
  writeFileSync(bench.file, JSON.stringify({ gateway: { ...ASKED, step: 'aside' } }), { mode: 0o600 });
  await bench.stop();
  bench.obstruct();
  bench.start();
  t.match(bench.said.at(-1), /is begun, and that cannot be kept/);
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
