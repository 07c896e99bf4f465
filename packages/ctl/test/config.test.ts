import { AirlockError, COMPILED_CONFIG_FILE, DEFAULT_CONFIG, parseCompiledConfig } from '@airlock/protocol';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { compileConfig, parseRolesFile, parseYamlConfig, readConfig, replaceFile } from '../src/config/compile.js';

const refusal = (run: () => unknown): AirlockError => {
  try {
    run();
  } catch (error) {
    if (error instanceof AirlockError) return error;
  }
  throw new Error('nothing was refused');
};

const EXAMPLE = `
totp: {issuer: Airlock, digits: 6, period: 30}
leases: {default_ttl_minutes: 60, max_ttl_minutes: 480, request_ttl_minutes: 5}
permissions: {default: read}
notifications: {provider: telegram, chat_id: "123456789"}
audit: {retain_days: 365, group_commit_ms: 20}
`;

t.test('the example of the documentation compiles to the defaults', async (t) => {
  const config = parseYamlConfig(EXAMPLE, 'airlock.yaml');
  t.same({ ...config, notifications: null }, DEFAULT_CONFIG);
  t.same(config.notifications, { provider: 'telegram', chat_id: '123456789' });
  t.same(parseYamlConfig('', 'airlock.yaml'), DEFAULT_CONFIG, 'an empty file is the defaults');
});

t.test('sinks compile with the fields that leave where none are named', async (t) => {
  const yaml =
    'audit: {sinks: [{name: siem, to: "syslog+tcp://127.0.0.1:601"}, {name: o, to: "http://h:4318", fields: ["*"], traces: true}]}';
  const { sinks } = parseYamlConfig(yaml, 'airlock.yaml').audit;
  t.match(sinks, [
    { name: 'siem', traces: false },
    { name: 'o', fields: ['*'], traces: true },
  ]);
  t.notOk(
    sinks?.[0]?.fields.some((field) => ['reason', 'intent', '*'].includes(field)),
    "the agent's words stay here",
  );
  const more = parseYamlConfig(
    'audit: {sinks: [{name: a, to: "https://h:4318", headers: /etc/airlock/a, ca: /b}, {name: b, to: "http://127.0.0.1:4318", headers: /c}]}',
    'airlock.yaml',
  ).audit.sinks;
  t.match(more, [{ headers: '/etc/airlock/a', ca: '/b' }, { headers: '/c' }]);
  t.equal(parseYamlConfig('audit: {sinks: []}', 'airlock.yaml').audit.sinks, undefined);
});

t.test('a bad value names file, key, what was found and what is allowed', async (t) => {
  const cases: readonly [yaml: string, where: string, found: string, allowed: string][] = [
    ['totp: {digits: 5}', 'totp.digits', '5', '6 or 7 or 8'],
    ['totp: {digits: "6"}', 'totp.digits', '"6"', '6 or 7 or 8'],
    ['totp: {issuer: "a:b"}', 'totp.issuer', '"a:b"', 'colon'],
    ['leases: {max_ttl_minutes: 481}', 'leases.max_ttl_minutes', '481', '1 to 480'],
    ['leases: {default_ttl_minutes: 1.5}', 'leases.default_ttl_minutes', '1.5', 'whole number'],
    [
      'leases: {default_ttl_minutes: 100, max_ttl_minutes: 50}',
      'leases.default_ttl_minutes',
      '100',
      'at most max_ttl_minutes (50)',
    ],
    ['permissions: {default: write}', 'permissions.default', '"write"', 'read'],
    ['permissions: {defualt: read}', 'permissions.defualt', 'an unknown key', 'default'],
    ['lease: {}', 'lease', 'an unknown section', 'leases'],
    ['totp: 6', 'totp', '6', 'issuer'],
    ['- a', 'the file', '["a"]', 'sections'],
    ['audit: {retain_days: 0}', 'audit.retain_days', '0', '1 to 36500'],
    ['audit: {sinks: x}', 'audit.sinks', '"x"', 'syslog+udp://HOST:PORT'],
    ['audit: {sinks: [{name: a}]}', 'audit.sinks', '[{"name":"a"}]', 'syslog+tcp://HOST:PORT'],
    ['audit: {sinks: [{name: a, to: "ftp://x"}]}', 'audit.sinks', 'ftp', 'http(s)://HOST:PORT'],
    ['audit: {sinks: [{name: a, to: "http://u:p@x"}]}', 'audit.sinks', 'http', 'http(s)://HOST:PORT'],
    [
      'audit: {sinks: [{name: a, to: "http://h:4318", headers: /etc/airlock/a}]}',
      'audit.sinks',
      'http',
      'for https:// or the loopback',
    ],
    ['audit: {sinks: [{name: a, to: "https://h:4318", headers: relative}]}', 'audit.sinks', 'https', 'absolute path'],
    ['audit: {sinks: [{name: a, to: "syslog+tcp://127.0.0.1:1", headers: /a}]}', 'audit.sinks', 'syslog', 'absolute path'],
    ['audit: {sinks: [{name: a, to: "http://127.0.0.1:4318", ca: /a}]}', 'audit.sinks', 'http', 'ca: that of a PEM file'],
    ['audit: {sinks: [{name: A, to: "http://x"}]}', 'audit.sinks', '"A"', 'names different'],
    ['audit: {sinks: [{name: a, to: "http://x", tracez: true}]}', 'audit.sinks', 'tracez', 'traces'],
    ['audit: {sinks: [{name: a, to: "http://x"}, {name: a, to: "http://y"}]}', 'audit.sinks', '"a"', 'names different'],
    ['audit: {sinks: [{name: a, to: "syslog+unix://x/y"}]}', 'audit.sinks', 'unix', 'syslog+unix:///PATH'],
  ];
  for (const [yaml, where, found, allowed] of cases) {
    const error = refusal(() => parseYamlConfig(yaml, '/etc/airlock/airlock.yaml'));
    t.equal(error.code, 'CONFIG_INVALID', yaml);
    t.match(error.message, '/etc/airlock/airlock.yaml', yaml);
    t.match(error.message, where, yaml);
    t.match(error.message, found, yaml);
    t.match(error.message, allowed, yaml);
  }
});

t.test('YAML that does not parse names line and column', async (t) => {
  for (const yaml of ['totp: {digits: 6', 'totp:\n  digits: 6\n  digits: 7', '\ttotp: 1']) {
    t.match(refusal(() => parseYamlConfig(yaml, 'f')).message, /f: line \d+, column \d+/, yaml);
  }
});

t.test('aliases that do not resolve or multiply are refused', async (t) => {
  for (const yaml of ['b: *c', `a: &a [x]\nb: &b [${'*a,'.repeat(50)}]\nc: [${'*b,'.repeat(50)}]`])
    t.equal(refusal(() => parseYamlConfig(yaml, 'f')).code, 'CONFIG_INVALID', yaml);
});

t.test('a bad file compiles to a configuration with which the daemons start sealed, saying why', async (t) => {
  const dir = t.testdir({ 'airlock.yaml': 'totp: {digits: 9}\n' });
  t.equal(compileConfig(dir)?.code, 'CONFIG_INVALID');
  const compiled: unknown = JSON.parse(readFileSync(join(dir, COMPILED_CONFIG_FILE), 'utf8'));
  t.match(refusal(() => parseCompiledConfig(compiled)).message, 'totp.digits');
  writeFileSync(join(dir, 'airlock.yaml'), EXAMPLE);
  t.equal(compileConfig(dir), null);
  t.equal(parseCompiledConfig(JSON.parse(readFileSync(join(dir, COMPILED_CONFIG_FILE), 'utf8'))).totp.digits, 6);
});

t.test('roles come from roles.json and belong to an operator', async (t) => {
  const dir = t.testdir({
    'roles.json': JSON.stringify({ operators: ['ada'], roles: { mailer: { operator: 'ada' } }, isolation: 'users' }),
  });
  const config = readConfig(dir);
  t.same([config.operators, config.roles, config.isolation], [['ada'], { mailer: { operator: 'ada' } }, 'users']);
  const bad = [
    '{',
    '{"operators":[],"roles":{},"isolation":"users"}',
    '{"operators":["a/b"],"roles":{},"isolation":"users"}',
    '{"operators":["ada"],"roles":{"operator":{"operator":"ada"}},"isolation":"users"}',
    '{"operators":["ada"],"roles":{"x":{"operator":"eve"}},"isolation":"users"}',
    '{"operators":["ada"],"roles":{"../x":{"operator":"ada"}},"isolation":"users"}',
    '{"operators":["ada"],"roles":{},"isolation":"maybe"}',
  ];
  for (const json of bad) t.equal(refusal(() => parseRolesFile(json, 'roles.json')).code, 'CONFIG_INVALID', json);
});

t.test('a directory that cannot hold the compiled file is an error, not a silent nothing', async (t) => {
  const dir = t.testdir({});
  mkdirSync(join(dir, COMPILED_CONFIG_FILE), { recursive: true });
  t.throws(() => compileConfig(dir));
});

t.test('a file is replaced whole, with its mode, over what a killed process of the same number left', async (t) => {
  const path = join(t.testdir(), 'below', 'roles.json');
  replaceFile(path, 'first', 0o644);
  writeFileSync(`${path}.${process.pid}.new`, 'half of', { mode: 0o600 });
  replaceFile(path, 'second', 0o644);
  t.equal(readFileSync(path, 'utf8'), 'second');
  t.equal(statSync(path).mode & 0o777, 0o644);
  t.same(readdirSync(join(path, '..')), ['roles.json'], 'nothing is left beside it');
});

t.test('keys that are no text are refused in words of our own, and the YAML parser prints none of its own', async (t) => {
  const printed: string[] = [];
  const hear = (warning: Error): void => void printed.push(warning.message);
  process.on('warning', hear);
  t.teardown(() => process.off('warning', hear));
  t.equal(refusal(() => parseYamlConfig('? {a: 1}\n: 2\n', 'airlock.yaml')).code, 'CONFIG_INVALID');
  await new Promise((resolve) => setImmediate(resolve));
  t.same(printed, []);
});
