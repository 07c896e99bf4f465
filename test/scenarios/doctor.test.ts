// doctor in the development launcher: the daemons, the agent socket of each role and an MCP handshake.
import { startTestInstance } from '@airlock/testkit';
import { unlinkSync } from 'node:fs';
import t from 'tap';

interface Check {
  readonly id: string;
  readonly ok: boolean;
  readonly found: string;
  readonly expected: string;
  readonly fix: string;
}
interface Doctor {
  readonly ok: boolean;
  readonly checks: readonly Check[];
}

const named = ({ checks }: Doctor, id: string): Check | undefined => checks.find((check) => check.id === id);

t.test('a sound instance: every role is reached, and an MCP client is answered', async (t) => {
  const instance = await startTestInstance({ roles: ['default', 'helper'], realTime: true });
  t.teardown(() => instance.stop());
  const { status, json, stderr } = await instance.command('airlock-ctl', ['doctor', '--json']);
  const doctor = json as Doctor;
  t.same(
    doctor.checks.filter(({ ok, id }) => !ok && id !== 'isolation'),
    [],
  );
  t.equal(doctor.ok, true);
  t.equal(status, 0);
  t.equal(stderr, '');
  for (const role of ['default', 'helper']) {
    t.match(named(doctor, `agent socket ${role}`), { ok: true, found: 'connects' });
    t.match(named(doctor, `mcp ${role}`), { ok: true, found: /^answers, \d+ tools$/ });
  }
  for (const id of ['airlock-totp', 'version airlock-gateway', 'phone', 'lock', 'bridge', 'disk', 'audit heads', 'connectors'])
    t.match(named(doctor, id), { ok: true, fix: '' }, id);
  const { stdout } = await instance.command('airlock-ctl', ['doctor']);
  t.match(stdout, /^STATE +CHECK +FOUND +WHAT TO DO\n/);
  t.match(stdout.trimEnd().split('\n').at(-1), /^\d+ checks: all is well$/);
});

t.test('negative control: what is missing is named, with what to do', async (t) => {
  const instance = await startTestInstance({ roles: ['default', 'helper'], realTime: true, enrolled: false });
  t.teardown(() => instance.stop());
  unlinkSync(instance.sockets['agent/helper'] ?? '');
  const { status, json, stdout } = await instance.command('airlock-ctl', ['doctor', '--json']);
  const doctor = json as Doctor;
  t.equal(status, 1, stdout.slice(0, 300));
  t.equal(doctor.ok, false);
  t.match(named(doctor, 'phone'), { ok: false, found: 'not enrolled', fix: 'sudo airlock-ctl init' });
  t.match(named(doctor, 'agent socket helper'), {
    ok: false,
    found: 'missing',
    fix: 'sudo systemctl restart airlock-agent@helper.socket',
  });
  t.match(named(doctor, 'agent socket default'), { ok: true });
  const people = await instance.command('airlock-ctl', ['doctor']);
  t.match(
    people.stdout.trimEnd().split('\n').at(-1),
    /^2 of \d+ checks failed: do what the last column says, then run this again$/,
  );
});
