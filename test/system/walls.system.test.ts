/** Every wall, tried from both agents' uids while a lease and its cell live. Nothing may get through. */
import { readdirSync } from 'node:fs';
import t from 'tap';
import { call, obtain } from './approval.js';
import { AGENT, ctl, leaveFact, mainPid, must, OPERATOR, OTHER_AGENT, run, until, wait } from './machine.js';
import { password } from './mailbox.js';
import { type Probe, probesOf, type Targets } from './probes.js';

/** quality.md: at least so many probes from an agent's uid. */
const LEAST = 60;

/** A probe that never came as far as the wall proves nothing. */
const BROKEN = /command not found|syntax error|unrecognized option|invalid option/;

const lastLine = (text: string): string => (text.split('\n').at(-1) ?? '').replaceAll('#', '').slice(-110);

const liveCells = async (): Promise<number[]> => {
  const units = await must([
    'bash',
    '-c',
    "systemctl list-units --plain --no-legend --state=active 'airlock-cell@*.service' | awk '{print $1}'",
  ]);
  return Promise.all(units.split('\n').filter(Boolean).map(mainPid));
};

const files = (directory: string): string[] =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath}/${entry.name}`);

const targetsFor = (self: string, pids: Targets['pids']): Targets => ({
  self,
  ownRole: self === AGENT ? 'default' : 'helper',
  otherAgent: self === AGENT ? OTHER_AGENT : AGENT,
  otherRole: self === AGENT ? 'helper' : 'default',
  operator: OPERATOR,
  pids,
  stateFiles: ['/var/lib/airlock-totp', '/var/lib/airlock-gateway'].flatMap((directory) => files(directory).slice(0, 6)),
  secrets: [password(), 'al1\\.'],
});

interface Tried {
  readonly hole: boolean;
  readonly said: string;
}

const tryProbe = async ({ script, then }: Probe, user: string): Promise<Tried> => {
  const first = await run(['bash', '-c', script], { user, timeoutMs: 30_000 });
  const { status, stdout, stderr } = then === undefined ? first : await run(['bash', '-c', then.script], { user: then.as });
  return { hole: status === 0, said: `${stdout}${stderr}`.trim() };
};

let pids: Targets['pids'];

t.before(async () => {
  await wait(6000);
  const { asked } = await obtain(['mail:read'], 60);
  if (asked.status !== 0) throw new Error(JSON.stringify(asked.value));
  await call('count_unread');
  const [cell] = await liveCells();
  if (cell === undefined) throw new Error('no cell lives');
  pids = { totp: await mainPid('airlock-totp'), gateway: await mainPid('airlock-gateway'), cell };
});

for (const agent of [AGENT, OTHER_AGENT]) {
  t.test(`from the uid of ${agent}`, async (t) => {
    const probes = probesOf(targetsFor(agent, pids));
    t.ok(probes.length >= LEAST, `${probes.length} probes`);
    leaveFact(`probes ${agent}`, String(probes.length));
    for (const probe of probes) {
      const { hole, said } = await tryProbe(probe, agent);
      const ok = !hole && !BROKEN.test(said) && (probe.refusal === undefined || probe.refusal.test(said));
      t.ok(ok, `${probe.name} | ${hole ? 'THE WALL HAS A HOLE' : 'held'} | ${lastLine(said)}`);
    }
  });
}

t.test('all of it is still as it was', async (t) => {
  t.equal(await mainPid('airlock-totp'), pids.totp, 'airlock-totp is the same process');
  t.equal(await mainPid('airlock-gateway'), pids.gateway, 'airlock-gateway is the same process');
  t.equal((await call('count_unread')).status, 0, "the agent's lease still works");
  t.equal((await ctl(['status'])).status, 0, 'the operator is served');
});

t.test('negative control: root gets through where a probe says so', async (t) => {
  // A debugger stops its target, and a daemon that stands still has its cells closed: cells first, debuggers last.
  const rank = ({ name }: Probe): number => (name.includes('strace') ? 2 : 0) + (name.startsWith('cell:') ? 0 : 1);
  const probes = probesOf(targetsFor(AGENT, pids))
    .filter((probe) => probe.rootCan)
    .sort((a, b) => rank(a) - rank(b));
  t.ok(probes.length >= 30, `${probes.length} probes`);
  for (const probe of probes) {
    const { hole, said } = await tryProbe(probe, 'root');
    t.ok(hole, `root: ${probe.name}${hole ? '' : ` (${said.slice(0, 300)})`}`);
  }
});

t.test('negative control: a socket that was opened to all is noticed', async (t) => {
  const path = `/run/airlock/operator/${OPERATOR}.sock`;
  const probe = probesOf(targetsFor(AGENT, pids)).find(({ name }) => name === `connect operator/${OPERATOR}.sock`);
  if (!probe) throw new Error('no such probe');
  await must(['chmod', '0666', path]);
  t.equal((await tryProbe(probe, AGENT)).hole, true, 'the probe finds the hole');
  t.equal((await ctl(['doctor'], { user: 'root' })).value['ok'], false, 'and doctor does too');
  await must(['chmod', '0660', path]);
  t.equal((await tryProbe(probe, AGENT)).hole, false, 'and none when it is closed');
});

t.test('the gateway has a new bridge soon after root disturbed it', async (t) => {
  t.ok((await until(async () => (await call('count_unread')).status === 0, 15_000)) !== null);
});
