/** Every wall, tried from both agents' uids while a lease and its cell live. Nothing may get through. */
import { allProbes, type Probe, type Targets } from '@airlock/ctl';
import t from 'tap';
import { call } from './approval.js';
import { AGENT, ctl, leaveFact, mainPid, must, OPERATOR, OTHER_AGENT, until } from './machine.js';
import { targetsFor, tryAllAs, tryAs, untilPids } from './walls.js';

/** quality.md: at least so many probes from an agent's uid. */
const LEAST = 60;

let pids: Targets['pids'];

t.before(async () => {
  pids = await untilPids();
});

for (const agent of [AGENT, OTHER_AGENT]) {
  t.test(`from the uid of ${agent}`, async (t) => {
    pids = await untilPids();
    const probes = allProbes(targetsFor(agent, pids));
    t.ok(probes.length >= LEAST, `${probes.length} probes`);
    leaveFact(`probes ${agent}`, String(probes.length));
    for (const { probe, outcome, found } of await tryAllAs(probes, agent)) {
      // A probe that never came as far as the wall proves nothing.
      t.equal(outcome, 'held', `${probe.name} | ${outcome} | ${found.replaceAll('#', '')}`);
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
  pids = await untilPids();
  // A debugger stops its target, and a daemon that stands still has its cells closed: cells first, debuggers last.
  const rank = ({ name }: Probe): number => (name.includes('strace') ? 2 : 0) + (name.startsWith('cell:') ? 0 : 1);
  const probes = allProbes(targetsFor(AGENT, pids))
    .filter((probe) => probe.rootCan)
    .sort((a, b) => rank(a) - rank(b));
  t.ok(probes.length >= 30, `${probes.length} probes`);
  for (const probe of probes) {
    const { outcome, found } = await tryAs(probe, 'root');
    t.equal(outcome, 'hole', `root: ${probe.name} (${found})`);
  }
});

interface AttackAnswer {
  readonly ok: boolean;
  readonly recorded: boolean;
  readonly checks: readonly {
    readonly ok: boolean;
    readonly outcome: string;
    readonly user: string;
    readonly tried: string;
    readonly fix: string;
  }[];
}
const attack = async (...args: readonly string[]): Promise<AttackAnswer & { readonly status: number }> => {
  const { status, value } = await ctl(['doctor', '--attack', ...args], { user: 'root', timeoutMs: 120_000 });
  return { status, ...(value as unknown as AttackAnswer) };
};

t.test('doctor --attack tries the same from both agents, and nothing gets through', async (t) => {
  const { status, ok, recorded, checks } = await attack();
  t.strictSame(
    checks.filter((check) => !check.ok).map(({ user, tried }) => `${user}: ${tried}`),
    [],
  );
  t.equal(ok, true);
  t.equal(status, 0);
  t.equal(recorded, true);
  for (const user of [AGENT, OTHER_AGENT]) {
    const tried = checks.filter((check) => check.user === user && check.outcome === 'held').length;
    t.ok(tried >= LEAST, `${tried} probes held against ${user}`);
    leaveFact(`attack ${user}`, String(tried));
  }
  t.equal((await call('count_unread')).status, 0, 'and nothing was disturbed');
});

t.test('an agent may attack as itself', async (t) => {
  const { status, value } = await ctl(['doctor', '--attack'], { user: AGENT, timeoutMs: 120_000 });
  t.equal(status, 0);
  t.equal(value['ok'], true);
  t.equal((await ctl(['doctor', '--attack', '--user', OTHER_AGENT], { user: AGENT })).status, 5, 'as another it may not');
});

/** What is weakened, how it is mended, and the probe that has to name it. */
const WEAKENED: readonly (readonly [path: string, weak: string, closed: string, probe: string])[] = [
  [`/run/airlock/operator/${OPERATOR}.sock`, '0666', '0660', `connect operator/${OPERATOR}.sock`],
  ['/var/lib/airlock-gateway', '0755', '0700', 'list /var/lib/airlock-gateway'],
  ['/etc/airlock/airlock.yaml', '0666', '0644', 'write /etc/airlock/airlock.yaml'],
];

t.test('negative control: what was opened to all is noticed, named and recorded', async (t) => {
  for (const [path, weak] of WEAKENED) await must(['chmod', weak, path]);
  const { status, checks } = await attack('--role', 'default');
  const doctor = await ctl(['doctor'], { user: 'root' });
  const runs = (await ctl(['audit', '--event', 'attack_run'])).value as unknown as readonly {
    readonly holes: readonly string[];
  }[];
  for (const [path, , closed] of WEAKENED) await must(['chmod', closed, path]);
  t.equal(status, 1);
  for (const [path, weak, , name] of WEAKENED) {
    t.ok(
      checks.some((check) => !check.ok && check.tried === name && check.fix !== ''),
      `${path} with mode ${weak}: ${name} gets through`,
    );
    t.ok(
      runs.some(({ holes }) => holes.includes(name)),
      'and is in the record',
    );
  }
  t.equal(doctor.value['ok'], false, 'and doctor says so too');
  t.equal((await attack('--role', 'default')).status, 0, 'and nothing is left of it');
});

t.test('the gateway has a new bridge soon after root disturbed it', async (t) => {
  // Root's own tries began hosts of MCP servers, and with each a cell that waits for a gateway.
  await must(['systemctl', 'stop', 'airlock-mcp@*.service', 'airlock-cell@*.service']);
  t.ok((await until(async () => (await call('count_unread')).status === 0, 15_000)) !== null);
});
