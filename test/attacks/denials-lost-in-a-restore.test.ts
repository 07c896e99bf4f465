// Attack: what was denied on a machine that is lost comes back allowed, with a restore that says that all is well. BACKUP-8.
import { compileConfig } from '@airlock/ctl';
import type { PolicyReload, PolicyStatus, PolicyTest } from '@airlock/protocol';
import { addMailbox, checkout, startTestInstance, type CommandResult, type Running } from '@airlock/testkit';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import t from 'tap';
import { ask, connectTo, untilServing } from './support/house.js';
import { phoneOf } from './support/keys.js';
import { policyText } from './support/rules-house.js';

const NO_LIST = policyText('no-list', [{ id: 'list', decision: 'deny', operations: ['list_messages'] }]);
const NO_GET = policyText('no-get', [{ id: 'get', decision: 'deny', operations: ['get_message'] }]);
const LIST_DENIED = 'policies: {"*": [no-list]}\n';

interface Backup {
  readonly file: string;
  readonly key: string;
}
type Files = Readonly<Record<string, string | null>>;

let old: Running;
/** The files alone, as `airlock-ctl policy reload` takes them: what a restore must not be content with. */
let control: Running;
t.setTimeout(120_000);
t.before(async () => {
  old = await startTestInstance({ cells: 1, roles: ['default', 'work'] });
  await addMailbox(old);
  control = await startTestInstance({ cells: 1 });
  await addMailbox(control);
});
t.teardown(() => Promise.all([old.stop(), control.stop()]));

const configOf = ({ env }: Running): string => env['AIRLOCK_CONFIG_DIR'] ?? '';
const put = (running: Running, files: Files): void => {
  for (const [name, text] of Object.entries(files)) {
    const path = join(configOf(running), name);
    mkdirSync(dirname(path), { recursive: true });
    if (text === null) rmSync(path, { force: true, recursive: true });
    else writeFileSync(path, text);
  }
};
const gateway = async <T>(running: Running, method: string, params: object = {}): Promise<T> => {
  const link = await connectTo(running, 'operator/default');
  try {
    return await ask<T>(link, method, params);
  } finally {
    link.close();
  }
};
const reload = (running: Running): Promise<PolicyReload> => {
  compileConfig(configOf(running), join(checkout, 'dist/lib/policies'));
  return gateway<PolicyReload>(running, 'policy.reload');
};
const decided = async (running: Running, operation = 'list_messages', role = 'default'): Promise<string> =>
  (await gateway<PolicyTest>(running, 'policy.test', { role, service: 'mail', operation })).decision;
const statusOf = (running: Running): Promise<PolicyStatus> => gateway<PolicyStatus>(running, 'policy.status');

const backUp = async (name: string): Promise<Backup> => {
  const file = join(old.dir, name);
  const { json } = await old.command('airlock-ctl', ['backup', file, '--json']);
  return { file, key: (json as { recoveryKey: string }).recoveryKey };
};
const restore = (running: Running, { file, key }: Backup, preload?: string): Promise<CommandResult> => {
  const env = preload === undefined ? {} : { NODE_OPTIONS: `--require ${preload}` };
  return running.command('airlock-ctl', ['restore', file, '--json'], { stdin: `${key}\n`, env });
};
const again = async (running: Running, { file, key }: Backup): Promise<CommandResult> => {
  await untilServing(running);
  running.clock.advance(3_600_000);
  const stdin = `${key}\n${phoneOf(running, old.secret)}\n`;
  return running.command('airlock-ctl', ['restore', file, '--force', '--json'], { stdin });
};
const messageOf = ({ json }: CommandResult): string => (json as { error?: { message: string } }).error?.message ?? 'no error';

/** A new machine for as long as `use` takes. */
const onNew = async (use: (fresh: Running) => Promise<void>, roles = ['default'], files: Files = {}): Promise<void> => {
  const fresh = await startTestInstance({ cells: 1, enrolled: false, roles });
  try {
    put(fresh, files);
    if (Object.keys(files).length > 0) await reload(fresh);
    await use(fresh);
  } finally {
    await fresh.stop();
  }
};
/** CommonJS for airlock-ctl alone: a function of node:fs that does this before or after what it does. */
const changed = (running: Running, name: string, { before = '', after = '' }: { before?: string; after?: string }): string => {
  const file = join(running.dir, `${name}.cjs`);
  const body = `${before}; const answer = real(...args); ${after}; return answer;`;
  writeFileSync(file, `const fs = require('node:fs'); const real = fs.${name}; fs.${name} = (...args) => { ${body} };`);
  return file;
};
const KILL = "process.kill(process.pid, 'SIGKILL')";
const IS_COMPILED = "String(args[0]).includes('/compiled/')";

let inForceOnly: Backup;
let withRole: Backup;

t.test('a denial that the files lift, which waits for a code, is in force on the new machine', async (t) => {
  put(old, { 'policies/no-list.json': NO_LIST, 'airlock.yaml': LIST_DENIED });
  t.equal((await reload(old)).outcome, 'applied');
  const lifted = { 'policies/no-list.json': null, 'airlock.yaml': 'policies: {}\n' };
  put(old, lifted);
  t.equal((await reload(old)).outcome, 'staged');
  inForceOnly = await backUp('lifted');
  await onNew(async (fresh) => {
    const restored = await restore(fresh, inForceOnly);
    t.equal(restored.status, 0, restored.stdout);
    t.match(restored.json, { waits: [/^every role: - deny no-list\/list/], problem: null });
    t.equal(await decided(fresh), 'deny', 'BACKUP-8');
    const twice = await again(fresh, inForceOnly);
    t.equal(twice.status, 0, twice.stdout);
    t.match((await statusOf(fresh)).policies, [{ id: 'no-list' }], 'once, however often it is restored');
  });
  put(control, lifted);
  await reload(control);
  t.equal(await decided(control), 'allow', 'negative control: the files alone deny nothing');
});

t.test('policies of a role that is not set up yet hold back no other denial, and wait for that role', async (t) => {
  const files = { 'policies/no-list.json': NO_LIST, 'airlock.yaml': 'policies: {"*": [no-list], work: [read-only]}\n' };
  put(old, files);
  t.equal((await reload(old)).outcome, 'applied');
  withRole = await backUp('with-role');
  await onNew(async (fresh) => {
    const restored = await restore(fresh, withRole);
    t.equal(restored.status, 0, restored.stdout);
    t.match(restored.json, { problem: /policies\.work: found no role work/ }, 'it is named');
    t.equal(await decided(fresh), 'deny', 'BACKUP-8');
    t.same((await statusOf(fresh)).attachments['work'], ['read-only'], 'denied from the moment that the role is there');
  });
  put(control, files);
  t.match(await reload(control), { outcome: 'kept' });
  t.equal(await decided(control), 'allow', 'negative control: the files alone are not taken');
});

t.test('a policy file of any name comes back', async (t) => {
  const name = 'policies/kein Zugriff.json';
  put(old, { 'policies/no-list.json': null, [name]: NO_LIST });
  const backup = await backUp('odd-name');
  await onNew(
    async (fresh) => {
      const restored = await restore(fresh, backup);
      t.match(restored, { status: 0, json: { config: ['airlock.yaml', name], leftOut: [], problem: null } });
      t.equal(readFileSync(join(configOf(fresh), name), 'utf8'), NO_LIST);
    },
    ['default', 'work'],
  );
  put(old, { [name]: null, 'policies/no-list.json': NO_LIST });
});

t.test('killed before it compiled: run again, the denial is in force though no file differs any more', async (t) => {
  await onNew(async (fresh) => {
    const preload = changed(fresh, 'openSync', { before: `if (${IS_COMPILED}) ${KILL}` });
    t.not((await restore(fresh, withRole, preload)).status, 0);
    await untilServing(fresh);
    t.equal(await decided(fresh), 'allow', 'negative control: the kill came before');
    const second = await again(fresh, withRole);
    t.match(second, { status: 0, json: { config: [] } });
    t.equal(await decided(fresh), 'deny', 'BACKUP-8');
  });
});

t.test('killed while it replaces a file: the old one or the new one is there, and the first one stays beside', async (t) => {
  const before = 'leases: {max_ttl_minutes: 20, default_ttl_minutes: 5}\n';
  await onNew(
    async (fresh) => {
      const yaml = join(configOf(fresh), 'airlock.yaml');
      const preload = changed(fresh, 'renameSync', { after: `if (String(args[1]).endsWith('.before-restore')) ${KILL}` });
      t.not((await restore(fresh, withRole, preload)).status, 0);
      t.equal(readFileSync(`${yaml}.before-restore`, 'utf8'), before, 'negative control: it was on its way');
      t.equal(readFileSync(yaml, 'utf8'), before, 'no wider limits at the next start');
      t.equal((await again(fresh, withRole)).status, 0);
      writeFileSync(yaml, 'leases: {max_ttl_minutes: 90}\n');
      t.equal((await again(fresh, withRole)).status, 0);
      t.equal(readFileSync(`${yaml}.before-restore`, 'utf8'), before, 'not written over');
      const kept = readdirSync(configOf(fresh)).filter((name) => name.includes('.before-restore'));
      t.same(kept.sort(), ['airlock.yaml.before-restore', 'airlock.yaml.before-restore.2']);
    },
    ['default'],
    { 'airlock.yaml': before },
  );
});

t.test('a directory or a file in the way is named, with what was done and what to do', async (t) => {
  await onNew(async (fresh) => {
    const policies = join(configOf(fresh), 'policies');
    mkdirSync(join(policies, 'no-list.json'), { recursive: true });
    const inTheWay = await restore(fresh, withRole);
    t.match(messageOf(inTheWay), /the backup was taken.*policies\/no-list\.json is a directory$/);
    t.match(inTheWay.json, { error: { code: 'CONFIG_INVALID', hint: /move it away .* restore again with --force/ } });
    t.equal(await decided(fresh), 'deny', 'BACKUP-8: what was in force is');
    rmSync(policies, { recursive: true });
    writeFileSync(policies, '');
    t.match(messageOf(await again(fresh, withRole)), /the backup was taken.*policies is no directory$/);
    renameSync(policies, join(fresh.dir, 'policies'));
    t.match(await again(fresh, withRole), { status: 0, json: { config: ['policies/no-list.json'] } }, 'negative control');
  });
});

t.test('files that allow more and less: what they deny is in force, what they allow waits', async (t) => {
  const yaml = 'permissions: {allow: [write]}\npolicies: {"*": [no-list, no-get]}\n';
  const files = { 'policies/no-list.json': NO_LIST, 'policies/no-get.json': NO_GET, 'airlock.yaml': yaml };
  put(old, files);
  const backup = await backUp('both');
  await onNew(async (fresh) => {
    const restored = await restore(fresh, backup);
    t.match(restored, { status: 0, json: { waits: [/class write/], problem: null } });
    t.equal(await decided(fresh), 'deny');
    t.equal(await decided(fresh, 'get_message'), 'deny', 'BACKUP-8: of the files alone');
    t.same((await statusOf(fresh)).permissions.allow, []);
  });
  put(control, files);
  t.equal((await reload(control)).outcome, 'staged');
  t.equal(await decided(control, 'get_message'), 'allow', 'negative control: the files alone wait as a whole');
});

t.test('where the denials cannot be put in force, it is no success and everybody is locked', async (t) => {
  await onNew(async (fresh) => {
    const full = "throw Object.assign(new Error('the disk is full'), { code: 'ENOSPC' })";
    const failed = await restore(fresh, inForceOnly, changed(fresh, 'openSync', { before: `if (${IS_COMPILED}) ${full}` }));
    t.not(failed.status, 0);
    t.match(messageOf(failed), /the backup was taken, and what it denies is not in force .* locked until then: default$/);
    const link = await connectTo(fresh, 'approve/default');
    t.match(await link.call('status', {}), { locked: true });
    link.close();
    t.equal(await decided(fresh), 'allow', 'negative control: the rules are those of the new machine');
    t.equal((await again(fresh, inForceOnly)).status, 0, 'which a second restore sees to');
    t.equal(await decided(fresh), 'deny', 'BACKUP-8');
  });
});
