/** The probes against walls that stand and walls that were weakened: each has to hold, and each has to notice. */
import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { findAccount } from '../src/accounts.js';
import { allProbes, harmlessProbes, type Probe, type Targets } from '../src/attack/list.js';
import { judge, tryAll } from '../src/attack/run.js';
import { isFix } from './fix-line.js';

/** quality.md: at least so many from an agent's user. */
const LEAST = 60;

const isRoot = process.getuid?.() === 0;
/** Root attacks as nobody. Anybody else is both sides; a mode of 000 closes to the owner too. */
const account = isRoot ? findAccount('nobody') : null;
const CLOSED = { file: isRoot ? 0o600 : 0o000, directory: isRoot ? 0o755 : 0o555, private: isRoot ? 0o700 : 0o000 };

// Not below TMPDIR, which may be closed to nobody.
const dir = mkdtempSync(join(isRoot ? '/tmp' : tmpdir(), 'at-'));
chmodSync(dir, 0o755);
const runtimeDir = join(dir, 'run');
const stateDir = join(dir, 'state');
const secret = join(dir, 'secret');

const targets: Targets = {
  node: process.execPath,
  runtimeDir,
  stateDirs: [stateDir],
  configDir: join(dir, 'etc'),
  libraryDir: join(dir, 'lib'),
  self: account?.user ?? 'agent',
  ownRole: 'own',
  foreignRoles: ['other'],
  foreignAgents: [],
  operator: 'op',
  operatorHome: join(dir, 'home'),
  moreSockets: ['presence.sock'],
  units: [],
  pids: { totp: 1 },
  stateFiles: [secret],
  secrets: ['al1\\.'],
  commands: { airlock: 'false', ctl: 'false' },
};

const servers: Server[] = [];
const listen = (file: string): Promise<void> =>
  new Promise((resolve) => {
    const server = createServer((socket) => socket.destroy());
    servers.push(server);
    server.listen(join(runtimeDir, file), () => {
      chmodSync(join(runtimeDir, file), CLOSED.file);
      resolve();
    });
  });

t.before(async () => {
  for (const path of ['run/agent', 'run/operator', 'run/approve', 'run/cell', 'state', 'etc', 'home'])
    mkdirSync(join(dir, path), { recursive: true });
  for (const file of ['agent/other.sock', 'operator/op.sock', 'bridge.sock', 'root.sock', 'presence.sock']) await listen(file);
  writeFileSync(secret, 'x', { mode: CLOSED.file });
  writeFileSync(join(dir, 'etc/airlock.yaml'), '', { mode: 0o444 });
  for (const path of ['run', 'run/agent', 'etc', 'home']) chmodSync(join(dir, path), CLOSED.directory);
  chmodSync(stateDir, CLOSED.private);
});
t.teardown(() => {
  for (const server of servers) server.close();
  for (const path of ['run', 'run/agent', 'etc', 'home', 'state']) chmodSync(join(dir, path), 0o755);
  rmSync(dir, { recursive: true, force: true });
});

const named = (name: string, from: Targets = targets): Probe => {
  const probe = harmlessProbes(from).find((one) => one.name === name);
  if (!probe) throw new Error(`no probe is called ${name}`);
  return probe;
};
const outcomeOf = async (probe: Probe): Promise<string> => (await tryAll([probe], account))[0]?.outcome ?? '';

/** A wall, how it is weakened, and how it is mended. */
const WALLS: readonly (readonly [probe: string, path: string, weak: number, closed: number])[] = [
  ['connect agent/other.sock', 'run/agent/other.sock', 0o666, CLOSED.file],
  ['connect operator/op.sock', 'run/operator/op.sock', 0o666, CLOSED.file],
  ['connect bridge.sock', 'run/bridge.sock', 0o666, CLOSED.file],
  ['connect presence.sock', 'run/presence.sock', 0o666, CLOSED.file],
  ['connect root.sock', 'run/root.sock', 0o666, CLOSED.file],
  ['connect through a symbolic link', 'run/operator/op.sock', 0o666, CLOSED.file],
  [`new file in ${runtimeDir}`, 'run', 0o777, CLOSED.directory],
  [`new file in ${runtimeDir}/agent`, 'run/agent', 0o777, CLOSED.directory],
  [`list ${stateDir}`, 'state', 0o755, CLOSED.private],
  [`work in ${stateDir}`, 'state', 0o755, CLOSED.private],
  [`read ${secret}`, 'secret', 0o644, CLOSED.file],
  [`write ${dir}/etc/airlock.yaml`, 'etc/airlock.yaml', 0o666, 0o444],
  [`write ${dir}/etc/roles.json`, 'etc', 0o777, CLOSED.directory],
  [`write ${dir}/home/.bashrc`, 'home', 0o777, CLOSED.directory],
];

for (const [name, path, weak, closed] of WALLS) {
  t.test(`${name}: held, noticed when weakened, held again`, async (t) => {
    t.equal(await outcomeOf(named(name)), 'held');
    chmodSync(join(dir, path), weak);
    t.equal(await outcomeOf(named(name)), 'hole');
    chmodSync(join(dir, path), closed);
    t.equal(await outcomeOf(named(name)), 'held');
  });
}

t.test("a process of another user is out of reach, and one's own is not", async (t) => {
  const own = spawn('sleep', ['60'], { stdio: 'ignore', ...(account === null ? {} : { uid: account.uid, gid: account.gid }) });
  t.teardown(() => own.kill('SIGKILL'));
  for (const what of ['/proc/PID/environ', '/proc/PID/maps', '/proc/PID/mem', '/proc/PID/cwd', 'kill -0', 'kill -URG']) {
    t.equal(await outcomeOf(named(`totp: ${what}`)), 'held', what);
    const weakened = { ...targets, pids: { totp: own.pid ?? 0 } };
    t.equal(await outcomeOf(named(`totp: ${what}`, weakened)), 'hole', `${what} of one's own`);
  }
});

t.test('a secret in a command line is noticed', async (t) => {
  const careless = spawn(process.execPath, ['-e', 'setTimeout(() => 0, 60000)', 'al1.secret'], { stdio: 'ignore' });
  t.teardown(() => careless.kill('SIGKILL'));
  const name = 'totp: a secret in /proc/PID/cmdline';
  t.equal(await outcomeOf(named(name)), 'held');
  t.equal(await outcomeOf(named(name, { ...targets, pids: { totp: careless.pid ?? 0 } })), 'hole');
});

t.test('there are enough, each under a name of its own, each with a command that closes the hole', async (t) => {
  const probes = harmlessProbes({ ...targets, pids: { totp: 1, gateway: 1 } });
  t.ok(probes.length >= LEAST, `${probes.length} probes`);
  t.equal(new Set(probes.map(({ name }) => name)).size, probes.length);
  for (const { name, fix } of probes) t.ok(isFix(fix), `${name}: ${fix}`);
  const byCapability = probes.filter(({ name }) => ['capture packets', 'set the clock'].includes(name));
  t.ok(byCapability.length >= 1);
  for (const { name, fix } of byCapability) t.match(fix, /setcap -r/, `${name}: takes the capability away`);
  t.notOk(isFix('ask somebody'), 'negative control');
  t.notOk(isFix('sudo airlock-ctl repair'), 'negative control');
});

t.test('ATTACK-1: what a hole would turn into harm is not among the harmless', async (t) => {
  const harmful =
    /kill -(?:KILL|STOP|TERM|USR1)|unlink|usermod|gpasswd|systemctl (?:stop|kill|edit)|\bmv\b|0666|strace|gdb|revoke --all|unlock|approve 1|\bsu /;
  t.same(
    harmlessProbes(targets)
      .filter(({ script }) => harmful.test(script))
      .map(({ name }) => name),
    [],
  );
  t.ok(
    allProbes(targets).filter(({ script }) => harmful.test(script)).length >= 20,
    'negative control: the system tests have them',
  );
});

t.test('ATTACK-2: what is read through a hole is not shown', async (t) => {
  chmodSync(secret, 0o644);
  writeFileSync(secret, 'al1.canary');
  const [tried] = await tryAll([named(`read ${secret}`)], account);
  chmodSync(secret, CLOSED.file);
  t.equal(tried?.outcome, 'hole');
  t.notMatch(tried?.found ?? '', 'canary');
});

t.test('a probe that never came to the wall proves nothing', async (t) => {
  const probe = named('connect bridge.sock');
  t.equal(judge(probe, 127, 'bash: line 1: perl: command not found').outcome, 'untried');
  t.equal(judge(probe, 1, 'connect ENOENT /run/airlock/bridge.sock').outcome, 'untried');
  t.equal(judge(probe, 1, 'connect EACCES /run/airlock/bridge.sock').outcome, 'held');
  t.equal(judge(probe, 124, '').outcome, 'untried', 'and neither does silence');
  t.equal(judge(probe, 0, '').outcome, 'hole');
  t.notMatch(judge(probe, 1, 'EACCES \u001b[2J').found, '\u001b', 'and what it said moves no cursor');
});
