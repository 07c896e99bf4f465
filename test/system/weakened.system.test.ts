/**
 * Every probe of `doctor --attack` in an installation that was weakened for it: it has to say so, and hold again when it was mended.
 * A probe that cannot fail would show here.
 */
import { allProbes, type Probe, type Targets } from '@airlock/ctl';
import { readFileSync } from 'node:fs';
import t from 'tap';
import { call } from './approval.js';
import { AGENT, ctl, leaveFact, must, OPERATOR, until } from './machine.js';
import { targetsFor, tryAs, untilPids } from './walls.js';
import { nameOf, RULES, ruleFor, weakeningFor, type Weakening, type Where } from './weakened.js';

const LIBRARY = '/checkout/test/system/weakened.sh';
const ROLE = 'default';

const asRoot = (script: string): Promise<string> =>
  must(['bash', '-c', `set -e; . ${LIBRARY}; ${script}`], { env: { AGENT }, timeoutMs: 30_000 });

const mend = async ({ undo = ':' }: Weakening): Promise<void> => {
  await asRoot(`set +e; ${undo}\nmend`);
};

/** The same probe, of the agent's own process in the place of the daemon. */
const onVictim = (probe: Probe, targets: Targets): Probe => {
  const pid = Number(readFileSync('/run/airlock-weak/victim', 'utf8'));
  const name = /^(\w+): /.exec(probe.name)?.[1] ?? 'gateway';
  const same = allProbes({ ...targets, pids: { ...targets.pids, [name]: pid } }).find((one) => nameOf(one) === nameOf(probe));
  if (same === undefined) throw new Error(`no probe ${probe.name}`);
  return same;
};

/** What the probe says in the weakened machine, and after it was mended. */
const inTurn = async (probe: Probe, weakening: Weakening, targets: Targets): Promise<readonly [string, string]> => {
  let weak: string;
  try {
    await asRoot(weakening.apply);
    const { outcome, found } = await tryAs(weakening.victim ? onVictim(probe, targets) : probe, weakening.as ?? AGENT);
    weak = `${outcome}${outcome === 'hole' ? '' : ` (${found})`}`;
  } finally {
    await mend(weakening);
  }
  const { outcome, found } = await tryAs(probe, AGENT);
  return [weak, `${outcome}${outcome === 'held' ? '' : ` (${found})`}`];
};

let targets: Targets;
let where: Where;

t.before(async () => {
  targets = targetsFor(AGENT, await untilPids());
  where = { agent: AGENT, role: ROLE, operator: OPERATOR, stateFile: targets.stateFiles[0] ?? '', pids: targets.pids };
});

t.test('every probe has a weakening, and every weakening a probe', async (t) => {
  const probes = allProbes(targets);
  t.strictSame(probes.filter((probe) => ruleFor(probe) === undefined).map(nameOf), [], `${probes.length} probes`);
  const used = new Set(probes.map(ruleFor));
  t.strictSame(
    RULES.filter((rule) => !used.has(rule)).map(([pattern]) => String(pattern)),
    [],
    `${RULES.length} kinds of weakening`,
  );
});

t.test('negative control: a machine that was not weakened shows nothing', async (t) => {
  const [probe] = allProbes(targets);
  if (probe === undefined) throw new Error('there are no probes');
  t.match((await inTurn(probe, { apply: ':' }, targets))[0], /^held/);
});

t.test('ATTACK-3: each probe reports the weakening that was made for it, and holds again', async (t) => {
  // In the order of the rules: cells first, which do not live long when idle, and last what stops daemons.
  const rank = (probe: Probe): number =>
    RULES.findIndex((rule) => rule === ruleFor(probe)) - (probe.name.startsWith('cell:') ? 1000 : 0);
  const probes = [...allProbes(targets)].sort((a, b) => rank(a) - rank(b));
  for (const probe of probes) {
    const weakening = weakeningFor(probe, where);
    if (weakening === null) continue;
    const [weak, mended] = await inTurn(probe, weakening, targets);
    t.equal(weak, 'hole', `weakened: ${nameOf(probe).replaceAll('#', '')}`);
    t.equal(mended, 'held', `mended: ${nameOf(probe).replaceAll('#', '')}`);
  }
  leaveFact('weakened probes', String(probes.length));
});

t.test('nothing is left of it', async (t) => {
  await must(['systemctl', 'stop', 'airlock-mcp@*.service', 'airlock-cell@*.service']);
  await must(['systemctl', 'start', 'airlock-totp', 'airlock-gateway', 'airlock-presence']);
  t.ok((await until(async () => (await call('count_unread')).status === 0, 15_000)) !== null, "the agent's lease still works");
  const wrong = async (): Promise<readonly string[]> => {
    const { value } = await ctl(['doctor'], { user: 'root', timeoutMs: 120_000 });
    const checks = value['checks'] as readonly { readonly id: string; readonly ok: boolean; readonly found: string }[];
    return checks.filter(({ ok }) => !ok).map(({ id, found }) => `${id}: ${found}`);
  };
  // What was started reports a moment later.
  await until(async () => (await wrong()).length === 0, 15_000);
  t.strictSame(await wrong(), []);
});
