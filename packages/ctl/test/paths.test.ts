/** What `path allow` lets cells read: which paths it takes, under which names, and what its units may do. */
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { AirlockError } from '@airlock/protocol';
import t from 'tap';
import { checkPlace, inspectPath } from '../src/paths/inspect.js';
import { newName, placeOf, readPaths, writePaths, type AllowedPath } from '../src/paths/registry.js';
import { unitsOf } from '../src/paths/units.js';
import { visiblePath } from '../src/paths/visible.js';

const refusal = (act: () => unknown): AirlockError | null => {
  try {
    act();
    return null;
  } catch (error) {
    if (error instanceof AirlockError) return error;
    throw error;
  }
};

const OWN = [userInfo().username];

t.test('PATH-1: no home, no system directory, no place of secrets, nothing that is no plain path', (t) => {
  for (const path of [
    ...[
      '/',
      '/home',
      '/home/ada',
      '/root',
      '/root/Maildir',
      '/etc/mail',
      '/var/lib/airlock-totp',
      '/srv/airlock/paths/x',
      '/proc/1/root',
    ],
    ...[
      '/home/ada/.ssh',
      '/home/ada/.gnupg/x',
      '/home/ada/.config/x.ics',
      '/home/ada/.local/share/keyrings',
      '/home/ada/.aws/Maildir',
    ],
    ...[
      'Maildir',
      '',
      '/home/ada/../eve',
      '/home/ada/Mail/',
      '/home//ada/Mail',
      '/home/ada/a"b',
      '/home/ada/a\nb',
      '/home/ada/%h',
      '/home/ada/$x',
    ],
  ])
    t.match(
      refusal(() => checkPlace(path)),
      { code: 'PARAMS_INVALID', data: { field: 'PATH', hint: /.+/ } },
      JSON.stringify(path),
    );
  for (const path of ['/home/ada/Maildir', '/home/ada/My Mail', '/home/ada/cal.ics', '/var/mail/ada', '/srv/mail/ada'])
    t.equal(
      refusal(() => checkPlace(path)),
      null,
      `negative control: ${path}`,
    );
  t.end();
});

t.test('PATH-1, PATH-2: links, what others can write, strangers and other files are refused', (t) => {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), 'paths-')));
  t.teardown(() => rmSync(dir, { recursive: true }));
  const mail = join(dir, 'Maildir');
  for (const folder of ['cur', 'new', 'tmp']) mkdirSync(join(mail, folder), { recursive: true });
  const ics = join(dir, 'cal.ics');
  writeFileSync(ics, 'BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n');
  t.match(inspectPath(mail, OWN), { path: mail, owner: OWN[0], kind: 'maildir' }, 'negative control');
  t.match(inspectPath(ics, OWN), { kind: 'ics' }, 'negative control');
  symlinkSync(mail, join(dir, 'link'));
  t.match(refusal(() => inspectPath(join(dir, 'link'), OWN))?.data, {
    found: /symbolic link/,
    hint: `sudo airlock-ctl path allow '${mail}'`,
  });
  t.match(refusal(() => inspectPath(join(dir, 'link', 'cur'), OWN))?.data, { found: /symbolic link/ });
  t.match(refusal(() => inspectPath(join(dir, 'none'), OWN))?.data, { found: 'nothing there' });
  t.match(refusal(() => inspectPath(dir, OWN))?.data, { found: 'neither' }, 'a directory of other things');
  writeFileSync(join(dir, 'notes.ics'), 'PASSWORD=1');
  t.match(refusal(() => inspectPath(join(dir, 'notes.ics'), OWN))?.data, { found: 'neither' }, 'a file that only is called so');
  t.match(refusal(() => inspectPath(mail, ['somebody']))?.data, { expected: 'a path of somebody' });
  for (const [path, mode] of [
    [mail, 0o777],
    [mail, 0o775],
    [dir, 0o777],
  ] as const) {
    chmodSync(path, mode);
    t.match(refusal(() => inspectPath(mail, OWN))?.data, { found: /others can write/, hint: `chmod go-w '${path}'` });
    chmodSync(path, 0o700);
  }
  t.end();
});

const MAILDIR: AllowedPath = { path: '/home/ada/My Mail', owner: 'ada', kind: 'maildir', name: 'ada_my_mail' };
const ICS: AllowedPath = { path: '/home/ada/cal.ics', owner: 'ada', kind: 'ics', name: 'ada_cal_ics' };

t.test('the units run as the owner, write one place only, and show a maildir read-only', (t) => {
  const mail = unitsOf(MAILDIR, ['/home/ada/My Mail/cur']);
  const ics = unitsOf(ICS, []);
  for (const [units, place] of [
    [mail, 'ReadWritePaths="/home/ada/My Mail"\n'],
    [ics, 'ReadWritePaths=/srv/airlock/paths/ada_cal_ics\n'],
  ] as const) {
    const [job] = units;
    t.match(job?.text, /^User=ada$/m);
    t.equal(job?.text.match(/ReadWritePaths=/g)?.length, 1);
    t.ok(job?.text.includes(place));
    t.match(job?.text, /^CapabilityBoundingSet=$/m);
    t.match(job?.text, /^PrivateNetwork=yes$/m);
  }
  t.same(
    mail.map(({ name }) => name),
    [
      'airlock-path-ada_my_mail.service',
      'airlock-path-ada_my_mail.path',
      'airlock-path-ada_my_mail.timer',
      'srv-airlock-paths-ada_my_mail.mount',
    ],
  );
  t.match(mail[3]?.text, /^Options=bind,ro,nosuid,nodev,noexec$/m);
  t.match(mail[1]?.text, /^PathChanged=\/home\/ada\/My Mail\/cur$/m);
  t.match(ics[1]?.text, /^PathChanged=\/home\/ada\/cal\.ics$/m);
  t.equal(ics.length, 3, 'a file is copied, not mounted');
  t.end();
});

t.test('names are free ones of a few characters, and the list is read back or refused', (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'paths-'));
  t.teardown(() => rmSync(dir, { recursive: true }));
  t.same(readPaths(dir), []);
  t.equal(newName([], 'ada', '/home/ada/My Mail'), 'ada_my_mail');
  t.equal(newName([MAILDIR], 'ada', '/srv/My-Mail'), 'ada_my_mail_2');
  t.match(newName([], 'ada', `/home/ada/${'x'.repeat(300)}`), /^[a-z0-9_]{1,48}$/);
  writePaths(dir, [MAILDIR, ICS]);
  t.same(readPaths(dir), [MAILDIR, ICS]);
  t.equal(placeOf(ICS), '/srv/airlock/paths/ada_cal_ics/calendar.ics');
  for (const text of ['{', '{}', '[{"path":"x"}]', JSON.stringify([{ ...ICS, name: '../x' }])]) {
    writeFileSync(join(dir, 'paths.json'), text);
    t.equal(refusal(() => readPaths(dir))?.code, 'CONFIG_INVALID', text);
  }
  t.end();
});

t.test('a path that cells cannot read is found before a code is asked for, with the command that allows it', (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'paths-'));
  t.teardown(() => rmSync(dir, { recursive: true }));
  writePaths(dir, [MAILDIR]);
  const context = { runtimeDir: '/run/airlock', configDir: dir } as unknown as Parameters<typeof visiblePath>[0];
  t.equal(visiblePath(context, MAILDIR.path), '/srv/airlock/paths/ada_my_mail', 'where cells see it');
  for (const path of ['/home/ada/Other', '/root/x', '/tmp/Maildir', '/run/user/1000/x'])
    t.equal(refusal(() => visiblePath(context, path))?.data.hint, `sudo airlock-ctl path allow ${path}; then the same again`);
  t.equal(visiblePath(context, '/srv/airlock/mail'), '/srv/airlock/mail');
  t.equal(visiblePath(context, '/usr/share'), '/usr/share', 'what everybody can read');
  t.equal(visiblePath({ ...context, runtimeDir: dir }, '/home/ada/Other'), '/home/ada/Other', 'a development instance');
  t.end();
});
