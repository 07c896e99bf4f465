// `airlock-ctl init`: at a terminal, from a file, stopped at every question and gone on with, and with every login that fails.
import {
  codeAt,
  installFixtureKind,
  sit,
  startTestInstance,
  type Answer,
  type CommandResult,
  type Running,
} from '@airlock/testkit';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';

const GOOD = 'abcd efgh ijkl mnop';

type Test = Parameters<Extract<Parameters<typeof t.test>[0], (t: never) => unknown>>[0];

const start = async (t: Test): Promise<Running> => {
  const config = mkdtempSync(join(tmpdir(), 'airlock-config-'));
  installFixtureKind(config);
  const running = await startTestInstance({ enrolled: false, config, cells: 2 });
  t.teardown(async () => {
    await running.stop();
    rmSync(config, { recursive: true, force: true });
  });
  return running;
};

/** A phone that scans what is on the screen, moves the clock to the next step and reads the code. */
const phoneOf = (running: Running, driftMs = 0): ((screen: string) => string) => {
  return (screen) => {
    const secret = (/type the secret:\s+([A-Z2-7 ]+)\n/.exec(screen)?.[1] ?? running.secret).replaceAll(' ', '');
    running.clock.advance(30_000);
    return codeAt(secret, running.clock.wallMs() + driftMs);
  };
};

const recoveryCode = (screen: string): string => / 3 {2}([A-Z2-7-]+)\n/.exec(screen)?.[1] ?? '';
const phoneAnswers = (running: Running): readonly (readonly [RegExp, ...Answer[]])[] => [
  [/press Enter\. $/, ''],
  [/^recovery code: $/, 'AAAA-AAAA-AAAA-AAAA', recoveryCode],
  [/^code: $/, phoneOf(running)],
];
const appAnswers = (password: readonly Answer[] = [GOOD]): readonly (readonly [RegExp, ...Answer[]])[] => [
  [/^Which one/, 'app', ''],
  [/^port: $/, 'ninety', '9'],
  [/^Name, as agents/, ''],
  [/^App password: $/, ...password],
  [/^Note/, ''],
];

const json = (running: Running, args: readonly string[], stdin = ''): Promise<CommandResult> =>
  running.command('airlock-ctl', [...args, '--json'], { stdin });
const answersFile = (running: Running, text: string, mode = 0o600): string => {
  const file = join(running.dir, 'answers.yaml');
  writeFileSync(file, text, { mode });
  chmodSync(file, mode);
  return file;
};

t.test(
  'a first hour at a terminal: one second code enrols the phone and adds the services that were shown (INIT-4)',
  async (t) => {
    const running = await start(t);
    const asked: string[] = [];
    const { status, screen } = await sit(running, ['init'], [...phoneAnswers(running), ...appAnswers(['Abc', GOOD])], asked);
    t.equal(status, 0, screen);
    t.match(screen, /3 characters of another form/, 'a password of another form is asked for again');
    t.match(screen, /--set port: found ninety, allowed: a whole number/);
    t.match(screen, /It is made at: https:\/\/example\.org\/app-passwords/);
    t.match(screen, /That is none of them/);
    t.match(screen, /do {7}add a service\n {2}service {2}app[\s\S]*?to {7}tcp:\/\/127\.0\.0\.1:9/);
    t.ok(screen.indexOf('add a service') < screen.indexOf('code your phone shows'), 'shown before the first code');
    t.equal(asked.filter((prompt) => prompt === 'code: ').length, 2, 'two codes in all');
    t.notMatch(screen, /abcd ?efgh/, 'the password is nowhere on the screen');
    t.match((await json(running, ['service', 'list'])).json, [
      { service: 'app', kind: 'app', fields: ['password'], updatedAt: /.+/ },
    ]);
    const qr = screen.split('\n').filter((line) => /[█▀▄]/.test(line));
    t.ok(qr.length <= 23 && qr.every((line) => line.length <= 80), `the QR code has ${qr.length} lines of a terminal's 24`);
    for (const line of screen.split('\n')) if (line.length > 200) t.fail(`a line of ${line.length} characters`);
    const got = await running.command('airlock-ctl', ['credentials', 'get', 'app', 'password'], {
      stdin: `${phoneOf(running)(screen)}\n`,
    });
    t.equal(got.stdout, 'abcdefghijklmnop\n', 'blanks are taken out');

    const again = await sit(running, ['init'], []);
    t.equal(again.status, 0, again.screen);
    t.match(again.screen, /enrolled already/, 'INIT-3: run again it asks nothing and changes nothing');
  },
);

t.test('INIT-3: stopped at any question it leaves nothing half done, and goes on', async (t) => {
  const running = await start(t);
  const script = [...phoneAnswers(running), ...appAnswers()];
  for (const [stop] of script.filter(([pattern]) => !/Note/.test(pattern.source))) {
    const cut = script.map((one) => (one[0] === stop ? ([stop, null] as const) : one));
    const { status, screen } = await sit(running, ['init'], cut);
    t.equal(status, 2, `${stop.source}: ${screen.slice(-300)}`);
    t.match(screen, /airlock: error: .*(input|end of)/, stop.source);
    t.match((await json(running, ['status'])).json, { enrolled: false });
    t.match((await json(running, ['service', 'list'])).json, []);
  }
  const second = await sit(
    running,
    ['init'],
    script.map((one) => (one[0].source === '^code: $' ? ([one[0], phoneOf(running), null] as const) : one)),
  );
  t.match(second.screen, /the input ended at: the second code/);
  const end = await sit(running, ['init'], script);
  t.equal(end.status, 0, end.screen);
  t.match((await json(running, ['service', 'list'])).json, [{ service: 'app' }]);
});

t.test('a phone whose clock is off is told by how much, and how to mend it', async (t) => {
  const running = await start(t);
  const late = phoneOf(running, -240_000);
  const answers = [[/^code: $/, late, phoneOf(running)], ...phoneAnswers(running), [/^Which one/, '']] as const;
  const { status, screen } = await sit(running, ['init'], answers);
  t.equal(status, 0, screen);
  t.match(
    screen,
    /the code is right, but your phone is 4 minutes behind\nairlock: hint: set the phone's date and time to automatic/,
  );
});

t.test('every login that fails is told apart, nothing is stored, and a right password follows at once', async (t) => {
  const running = await start(t);
  const passwords = ['found-bad_credentials', 'found-bad_credentials', GOOD];
  const asked: string[] = [];
  const first = await sit(running, ['init'], [...phoneAnswers(running), ...appAnswers(passwords)], asked);
  t.equal(first.status, 0, first.screen);
  t.equal(asked.filter((prompt) => prompt === 'code: ').length, 2, 'no further code for a mistyped password');
  t.equal(
    first.screen.match(/hint: check the user name, and give the app password.*https:\/\/example\.org\/app-passwords/g)?.length,
    2,
  );
  const phone = phoneOf(running);
  for (const [found, hint] of [
    ['bad_credentials', /check the user name/],
    ['imap_disabled', /switch it on at https:\/\/example\.org\/settings/],
    ['no_network', /tcp:\/\/127\.0\.0\.1:9.* cannot be reached/],
    ['tls', /certificate/],
    ['other', /something else than a login/],
  ] as const) {
    const args = ['service', 'add', 'app', '--name', 'x', '--set', 'port=9'];
    const asked: string[] = [];
    const given = [
      [/password/, `found-${found}`],
      [/Note/, ''],
      [/^code/, () => phone(first.screen)],
      [/Press Enter/, ''],
    ] as const;
    const { status, screen } = await sit(running, args, given, asked);
    t.equal(status, found === 'no_network' ? 5 : 1, screen);
    t.match(screen, hint, found);
    t.match(screen, /then: airlock-ctl service add app --name x --set port=9\n/, 'with the command that tries again');
    t.equal(screen.match(/airlock: error: the login failed/g)?.length, 3, 'three tries, no more');
    t.equal(asked.filter((prompt) => prompt === 'code: ').length, 1, 'under one code');
    t.equal(((await json(running, ['service', 'list'])).json as object[]).length, 1, 'nothing of it is stored');
  }
});

t.test(
  'from a file: enrolled and added, a second time nothing, then what is missing, then a replacement (INIT-2, INIT-3)',
  async (t) => {
    const running = await start(t);
    writeFileSync(join(running.dir, 'password'), `${GOOD}\n`, { mode: 0o600 });
    const codes = join(running.dir, 'recovery');
    const text = (port: number, more = ''): string =>
      `init: 1\nphone: {secret_file: ${join(running.dir, 'secret')}, recovery_codes_file: ${codes}}\nservices:\n` +
      `  - kind: app\n    settings: {port: ${port}}\n    credential: {password_file: ${join(running.dir, 'password')}}\n${more}`;
    const init = (file: string, stdin = ''): Promise<CommandResult> => json(running, ['init', '--answers', file], stdin);
    t.match(await init(answersFile(running, text(9), 0o644)), { status: 2, json: { error: { hint: /^chmod 600 / } } });
    t.match(await init(answersFile(running, text(9).replace('settings', 'setings'))), {
      status: 2,
      json: { error: { message: /line 5: setings: found an unknown key/ } },
    });
    const eof = await init(answersFile(running, text(9)));
    t.match(
      eof,
      { status: 2, json: { error: { message: 'the input ended at: the first code' } } },
      'the end of stdin names the step',
    );
    t.match(
      await init(answersFile(running, text(9))),
      { status: 2, json: { error: { message: /there already/ } } },
      'codes of before',
    );
    rmSync(codes);
    const pair = `${running.freshCode()}\n${codeAt(running.secret, running.clock.wallMs() + 30_000)}\n`;
    const done = await init(answersFile(running, text(9)), pair);
    t.match(done, { status: 0, json: { enrolled: true, operator: 'default', services: ['app'], failed: [] } }, done.stderr);
    t.equal(readFileSync(codes, 'utf8').trim().split('\n').length, 10);
    t.equal(done.stdout.trimEnd().split('\n').length, 1, 'one value on stdout');
    t.notMatch(done.stdout + done.stderr, /abcd/);

    const again = await init(answersFile(running, text(9)));
    t.match(again, { status: 0, json: { services: ['app'], failed: [] } }, again.stderr);
    t.match(again.stderr, /app is there already/);
    const mail = `  - kind: fixture\n    name: more\n    settings: {port: 9}\n    credential: {token: t1}\n`;
    running.clock.advance(60_000);
    const more = await init(answersFile(running, text(9, mail)), `${running.freshCode()}\n`);
    t.match(more, { status: 0, json: { services: ['app', 'more'] } }, `an ordinary code adds what is missing: ${more.stderr}`);
    const kept = await init(answersFile(running, text(10)));
    t.match(kept, { status: 0 });
    t.match(kept.stderr, /leads elsewhere and was kept/);
    const replace = await init(answersFile(running, text(10, '    replace: true\n')));
    t.match(replace, { status: 2, json: { failed: [{ service: 'app' }] } }, 'without a code nothing is replaced');
    t.match((await json(running, ['service', 'list'])).json, [{ service: 'app', settings: { port: 9 } }, {}]);
    t.ok(existsSync(codes));
  },
);

t.test(
  'a password in the file that does not work: the phone is enrolled, the service is not, and the rest follows',
  async (t) => {
    const running = await start(t);
    const services = `services:\n  - {kind: app, settings: {port: 9}, credential: {password: found-tls}}\n  - {kind: fixture, settings: {port: 9}, credential: {token: t1}}\n`;
    const file = answersFile(
      running,
      `init: 1\nphone: {secret: ${running.secret}, recovery_codes_file: ${join(running.dir, 'r')}}\n${services}`,
    );
    const pair = `${running.freshCode()}\n${codeAt(running.secret, running.clock.wallMs() + 30_000)}\n`;
    const done = await json(running, ['init', '--answers', file], pair);
    t.match(
      done,
      {
        status: 1,
        json: {
          enrolled: true,
          services: ['fixture'],
          failed: [{ service: 'app', code: 'UPSTREAM_REFUSED', hint: /certificate/ }],
        },
      },
      done.stderr,
    );
    t.match(await json(running, ['audit', 'verify']), { status: 0 });
  },
);
