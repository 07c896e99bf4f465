/** A maildir and a calendar file in the operator's home: shared by root with cells and nobody else, and taken back. Roles run again. */
import { existsSync } from 'node:fs';
import t from 'tap';
import { call, obtain } from './approval.js';
import { AGENT, ctl, errorCode, must, OPERATOR, OTHER_AGENT, run, until } from './machine.js';
import { nextCode } from './phone.js';

const HOME = `/home/${OPERATOR}`;
const MAIL = `${HOME}/Maildir`;
const ICS = `${HOME}/calendar.ics`;

const asOperator = (script: string): Promise<string> => must(['bash', '-c', `umask 077; ${script}`], { user: OPERATOR });
const message = (subject: string): string =>
  `From: a@example.org\\nSubject: ${subject}\\nDate: Sat, 14 Nov 2026 16:45:00 +0000\\n\\nbody\\n`;
/** As a delivery agent does it: mode 0600, written in tmp, moved to new. */
const deliver = (name: string, subject: string): Promise<string> =>
  asOperator(`printf '${message(subject)}' > ${MAIL}/tmp/${name} && mv ${MAIL}/tmp/${name} ${MAIL}/new/${name}`);

const add = async (): ReturnType<typeof ctl> =>
  ctl(['service', 'add', 'maildir', '--name', 'home', '--set', `path=${MAIL}`], {
    input: `${await nextCode()}\n`,
    timeoutMs: 120_000,
  });
const root = (args: readonly string[]): ReturnType<typeof ctl> => ctl(args, { user: 'root', timeoutMs: 120_000 });
const hintOf = (answer: { value: Record<string, unknown> }): string => (answer.value['error'] as { hint: string }).hint;
const accessLists = (): Promise<string> => must(['bash', '-c', `getfacl -R -p -s ${HOME} 2>/dev/null`]);

t.test('a maildir in a home is refused before a code, and the hint makes it readable for cells', async (t) => {
  await asOperator(`chmod 700 ${HOME}; mkdir -p ${MAIL}/cur ${MAIL}/new ${MAIL}/tmp; echo secret > ${HOME}/notes`);
  await deliver('1.a', 'first');
  const refused = await ctl(['service', 'add', 'maildir', '--name', 'home', '--set', `path=${MAIL}`]);
  t.equal(errorCode(refused), 'PARAMS_INVALID', refused.stderr);
  const command = hintOf(refused).split(';')[0] ?? '';
  t.equal(command, `sudo airlock-ctl path allow ${MAIL}`);
  const allowed = await run(command.split(' ').slice(1), { timeoutMs: 60_000 });
  t.equal(allowed.status, 0, allowed.stderr || allowed.stdout);
  const again = await root(['path', 'allow', MAIL]);
  t.equal(again.status, 0, again.stderr || 'run again it changes nothing');
  t.match((await ctl(['path', 'list'])).value, [{ path: MAIL, owner: OPERATOR, kind: 'maildir' }]);
  const added = await add();
  t.equal(added.status, 0, added.stderr);
});

t.test('an agent reads it under a lease, also what is delivered later with mode 0600', async (t) => {
  const { asked } = await obtain(['home'], 30);
  t.equal(asked.status, 0, asked.stderr);
  const shows = async (subject: string): Promise<boolean> =>
    JSON.stringify((await call('list_messages', {}, { service: 'home', user: AGENT })).value).includes(subject);
  t.ok(await shows('first'));
  await deliver('2.b', 'second');
  t.ok(await until(() => shows('second'), 20_000), 'the watch opened it');
  t.equal((await must(['stat', '-c', '%U %a', `${MAIL}/new/2.b`])).trim().split(' ')[0], OPERATOR);
});

t.test('nothing else is readable, and for nobody else', async (t) => {
  for (const user of [AGENT, OTHER_AGENT])
    for (const path of [MAIL, '/srv/airlock/paths', `${HOME}/notes`])
      t.not((await run(['ls', path], { user })).status, 0, `${user}: ${path}`);
  const cell = ['setpriv', '--reuid=64999', '--regid=64999', '--groups', 'airlock-cells', '--'];
  const place = ((await ctl(['path', 'list'])).value as unknown as { place: string }[])[0]?.place ?? '';
  await must(['getent', 'group', 'airlock-cells']);
  t.equal((await run([...cell, 'ls', `${place}/new`])).status, 0, 'negative control: the group of the cells');
  t.not((await run([...cell, 'touch', `${place}/new/x`])).status, 0, 'read-only');
  t.not((await run([...cell, 'cat', `${HOME}/notes`])).status, 0, 'a file beside it');
  t.not((await run(['touch', `${place}/new/x`])).status, 0, 'not even root writes through the mount');
  const lists = (await accessLists()).split('\n\n').filter((one) => one.includes('airlock-cells'));
  t.same(
    lists.filter((one) => !one.includes(`# file: ${MAIL}`)),
    [],
    'no access list outside of the maildir',
  );
});

t.test('what may not be shared is refused', async (t) => {
  await asOperator(`mkdir -p ${HOME}/.ssh; ln -s ${HOME}/.ssh ${HOME}/mail; mkdir -p ${HOME}/open; chmod 777 ${HOME}/open`);
  for (const path of [
    '/',
    '/home',
    HOME,
    `${HOME}/.ssh`,
    `${HOME}/mail`,
    `${HOME}/open`,
    `${HOME}/notes`,
    '/etc',
    '/var/lib/airlock-totp',
  ])
    t.equal(errorCode(await root(['path', 'allow', path])), 'PARAMS_INVALID', path);
  t.equal(errorCode(await ctl(['path', 'allow', MAIL])), 'UNAVAILABLE', 'only root');
});

t.test('a calendar file is copied, again whenever it is replaced', async (t) => {
  const write = (uid: string): Promise<string> =>
    asOperator(`printf 'BEGIN:VCALENDAR\\r\\nX-A:${uid}\\r\\nEND:VCALENDAR\\r\\n' > ${ICS}.new && mv ${ICS}.new ${ICS}`);
  await write('one');
  const allowed = await root(['path', 'allow', ICS]);
  t.equal(allowed.status, 0, allowed.stderr);
  const place = String(allowed.value['place']);
  const shows = async (uid: string): Promise<boolean> => (await must(['cat', place])).includes(uid);
  t.ok(await shows('one'));
  t.match(await must(['stat', '-c', '%a %U:%G', place]), `640 ${OPERATOR}:airlock-cells`);
  await write('two');
  t.ok(await until(() => shows('two'), 20_000));
});

t.test('revoked, cells read it no more and no access list is left', async (t) => {
  const revoked = await root(['path', 'revoke', '--all']);
  t.equal(revoked.status, 0, revoked.stderr);
  t.notMatch(await accessLists(), /airlock-cells/);
  t.notMatch(await must(['bash', '-c', 'findmnt -rn -o TARGET']), /airlock\/paths/);
  t.equal(await must(['bash', '-c', 'ls /etc/systemd/system | grep -E "airlock-path|paths" || true']), '');
  t.same((await ctl(['path', 'list'])).value, []);
  t.ok(existsSync(`${MAIL}/new/1.a`), 'the mail is where it was');
  const removed = await ctl(['service', 'remove', 'home'], { input: `${await nextCode()}\n` });
  t.equal(removed.status, 0, removed.stderr);
});

t.test('role add and remove can be run again; a role that goes takes its leases along', async (t) => {
  const add = (user: string): ReturnType<typeof ctl> => root(['role', 'add', 'brief', '--user', user]);
  t.match(await add(AGENT), { status: 0, value: { role: 'brief', users: [AGENT] } });
  t.match(await add(AGENT), { status: 0, value: { users: [AGENT] } }, 'the same again');
  t.match(await add(OTHER_AGENT), { status: 0, value: { users: [AGENT, OTHER_AGENT] } }, 'a second user');
  t.equal(errorCode(await root(['role', 'add', 'brief', '--user', 'nobody-there'])), 'PARAMS_INVALID');
  const { asked } = await obtain(['mail'], 30, { user: AGENT, env: { AIRLOCK_ROLE: 'brief' } });
  t.equal(asked.status, 0, asked.stderr);
  const roles = (await ctl(['role', 'list'])).value as unknown as { role: string; socket: string }[];
  t.match(
    roles.find(({ role }) => role === 'brief'),
    { users: [AGENT, OTHER_AGENT], socket: 'up' },
  );
  t.match(await root(['role', 'remove', 'brief']), {
    status: 0,
    value: { removed: 'brief', revoked: 1, users: [AGENT, OTHER_AGENT] },
  });
  const leases = (await ctl(['leases'])).value as unknown as { role: string }[];
  t.same(
    leases.filter(({ role }) => role === 'brief'),
    [],
  );
  t.equal(errorCode(await root(['role', 'remove', 'brief'])), 'NOT_FOUND', 'gone already');
  t.not((await run(['getent', 'group', 'airlock-r-brief'])).status, 0);
});
