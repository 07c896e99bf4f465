// doctor --attack in the development launcher, where users are not isolated: it finds that out and breaks nothing.
import { startTestInstance } from '@airlock/testkit';
import t from 'tap';

interface Check {
  readonly id: string;
  readonly ok: boolean;
  readonly outcome: string;
  readonly tried: string;
  readonly expected: string;
  readonly fix: string;
}

interface Run {
  readonly holes: readonly string[];
}

const LEAST = 60;

t.test('the launcher is told apart, and its daemons go on', async (t) => {
  const instance = await startTestInstance({ roles: ['default', 'helper'] });
  t.teardown(() => instance.stop());
  const before = (await instance.command('airlock-ctl', ['status', '--json'])).json;
  const { status, json, stderr } = await instance.command('airlock-ctl', ['doctor', '--attack', '--json']);
  t.equal(status, 1);
  t.equal(stderr, '', 'nothing is said under --json');
  const { ok, isolation, checks } = json as { ok: boolean; isolation: string; checks: readonly Check[] };
  t.equal(ok, false);
  t.equal(isolation, 'none');
  t.ok(checks.filter(({ outcome }) => outcome !== 'untried').length >= LEAST);
  const through = checks.filter((check) => !check.ok);
  for (const name of ['connect agent/helper.sock', 'connect operator/default.sock', 'connect root.sock', 'airlock-ctl pending'])
    t.ok(
      through.some(({ tried }) => tried === name),
      `${name} gets through`,
    );
  for (const { id, expected, fix } of through) t.ok(expected !== '' && fix !== '', id);
  const said = checks.find(({ tried }) => tried === "request.approve on the agent's own socket");
  t.equal(said?.outcome, 'held', 'the agent socket takes no method of an operator here either');
  const [record] = (await instance.command('airlock-ctl', ['audit', '--json', '--event', 'attack_run'])).json as readonly Run[];
  t.equal((json as { recorded: boolean }).recorded, true);
  t.match(record, { role: 'default', probes: checks.length, through: through.length }, 'the record has its figures');
  t.same(
    record?.holes,
    through.slice(0, 32).map(({ tried }) => tried),
    'and names what got through',
  );
  t.same(
    (await instance.command('airlock-ctl', ['status', '--json'])).json,
    before,
    'daemons, queue, lock and leases are as before',
  );
});

t.test('people get a table that ends with its sum, and are told what to expect', async (t) => {
  const instance = await startTestInstance();
  t.teardown(() => instance.stop());
  const { status, stdout, stderr } = await instance.command('airlock-ctl', ['doctor', '--attack']);
  t.equal(status, 1);
  t.match(stdout, /^STATE +USER +WALL +TRIED +FOUND +WHAT TO DO\n/);
  t.match(stdout.trimEnd().split('\n').at(-1), /^\d+ of \d+ probes GOT THROUGH.*: do what the last column says$/);
  t.match(stdout, /\nrecorded: airlock-ctl audit --event attack_run\n/);
  t.match(stderr, /development launcher: users are not isolated/);
});

t.test('a role or a user that is not there is named', async (t) => {
  const instance = await startTestInstance();
  t.teardown(() => instance.stop());
  const role = await instance.command('airlock-ctl', ['doctor', '--attack', '--role', 'nosuch', '--json']);
  t.equal(role.status, 2);
  t.match(role.json, { error: { code: 'PARAMS_INVALID', field: '--role', expected: 'default' } });
  const user = await instance.command('airlock-ctl', ['doctor', '--attack', '--user', 'nosuchuser', '--json']);
  t.not(user.status, 0);
  t.match(user.json, { error: { hint: /airlock-ctl/ } });
});

t.test('a run that cannot be recorded shows its table all the same, and says so', async (t) => {
  const instance = await startTestInstance();
  t.teardown(() => instance.stop());
  const { status, stdout } = await instance.command('airlock-ctl', ['doctor', '--attack'], {
    env: { AIRLOCK_RUNTIME_DIR: '/nonexistent/airlock' },
  });
  t.equal(status, 1);
  t.match(stdout, /NOT RECORDED: /);
  t.match(stdout, /probes/);
});
