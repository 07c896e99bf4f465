/** Whether every probe of `doctor --attack` has a weakening in the system tests, told long before a machine is booted. */
import { allProbes, UNITS, type Targets } from '@airlock/ctl';
import t from 'tap';
import { nameOf, RULES, ruleFor, weakeningFor } from './system/weakened.js';

const targets: Targets = {
  node: '/usr/lib/airlock/node',
  runtimeDir: '/run/airlock',
  stateDirs: ['/var/lib/airlock-totp', '/var/lib/airlock-gateway'],
  configDir: '/etc/airlock',
  libraryDir: '/usr/lib/airlock',
  self: 'bot',
  ownRole: 'default',
  foreignRoles: ['helper'],
  foreignAgents: [{ user: 'bot2', role: 'helper' }],
  operator: 'ada',
  operatorHome: '/home/ada',
  moreSockets: ['export.sock', 'presence.sock'],
  units: UNITS,
  pids: { totp: 1, gateway: 2, export: 3, cell: 4, mcp: 5, presence: 6 },
  stateFiles: ['/var/lib/airlock-totp/heads'],
  secrets: ['al1\\.'],
  commands: { airlock: 'airlock', ctl: 'airlock-ctl' },
};
const where = { agent: 'bot', role: 'default', operator: 'ada', stateFile: targets.stateFiles[0] ?? '', pids: targets.pids };

t.test('ATTACK-3: each probe has a weakening that names what it is about', async (t) => {
  const probes = allProbes(targets);
  t.equal(new Set(probes.map(nameOf)).size, probes.length, 'each under a name of its own');
  for (const probe of probes) {
    const weakening = weakeningFor(probe, where);
    t.ok(weakening, nameOf(probe));
    t.notMatch(weakening?.apply ?? '', 'undefined', 'all of it is known');
  }
});

t.test('each kind of weakening has a probe', async (t) => {
  const used = new Set(allProbes(targets).map(ruleFor));
  t.same(
    RULES.filter((rule) => !used.has(rule)).map(([pattern]) => String(pattern)),
    [],
  );
});

t.test('negative control: a probe nobody weakened anything for is found', async (t) => {
  t.equal(weakeningFor({ wall: 'rights', name: 'fly', script: 'true', fix: '' }, where), null);
});
