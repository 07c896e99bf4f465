// Whoever can write a client's configuration (a repository with a .mcp.json, another program) tries to have airlock damage it,
// take a foreign entry for its own, write elsewhere, or speak to the operator's terminal.
import { checkout } from '@airlock/testkit';
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  lchownSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';

const BUNDLE = join(checkout, 'dist/lib/airlock.cjs');

const house = (test: Test) => {
  const home = mkdtempSync(join(tmpdir(), 'crafted-'));
  test.teardown(() => rmSync(home, { recursive: true, force: true }));
  const file = join(home, 'config');
  return {
    home,
    file,
    mcp: (verb: string, client: string, ...flags: string[]) => {
      const argv = [BUNDLE, 'mcp', verb, client, '--config', file, ...flags];
      const { status, stdout, stderr } = spawnSync(process.execPath, argv, {
        encoding: 'utf8',
        timeout: 60_000,
        env: { PATH: '', HOME: home },
      });
      return { status, stdout, stderr };
    },
  };
};

/** Refused, and not a byte is another one. */
const refused = (test: Test, client: string, text: string, flags: readonly string[] = []): void => {
  const { file, home, mcp } = house(test);
  writeFileSync(file, text);
  for (const verb of ['connect', 'disconnect']) {
    const { status, stderr } = mcp(verb, client, ...flags);
    test.ok(status === 6 || status === 2, `${verb} ${client} ${text.slice(0, 60)}: ${stderr}`);
    test.equal(readFileSync(file, 'utf8'), text);
    test.same(readdirSync(home), ['config'], 'nothing beside it');
    test.notMatch(stderr, /[\u0000-\u0009\u000b-\u001f\u007f]/, 'no control character reaches the terminal');
  }
};

t.test('keys that are there twice, in any spelling, are not edited', async (test) => {
  for (const text of [
    '{"mcpServers": {"a": {}}, "mcpServers": {}}',
    '{"mcpServers": {}, "mcpServer\\u0073": {}}',
    '{"mcpServers": {"airlock": {"command": "evil"}, "\\u0061irlock": {"command": "/x/airlock", "args": ["mcp"]}}}',
  ])
    refused(test, 'cursor', text);
  refused(test, 'codex', '[mcp_servers.airlock]\ncommand = "a"\n[mcp_servers."airlock"]\ncommand = "b"\n');
  refused(test, 'goose', 'extensions:\n  airlock: {cmd: a}\n  "airlock": {cmd: b}\n');
});

t.test('an entry that only looks like ours through its prototype is foreign', async (test) => {
  for (const text of [
    '{"mcpServers": {"airlock": {"__proto__": {"command": "/x/airlock", "args": ["mcp"], "env": {"AIRLOCK_AGENT": "cursor"}}}}}',
    '{"mcpServers": {"airlock": {"command": {"toString": 1}, "args": ["mcp"]}}}',
    '{"mcpServers": {"airlock": "\\u001b]0;owned\\u0007"}}',
    '{"mcpServers": {"airlock": null}}',
    '{"mcpServers": {"airlock": ["airlock", "mcp"]}}',
    '{"mcpServers": {"airlock": {"command": "/bin/sh", "args": ["-c", "evil", "mcp"]}}}',
  ])
    refused(test, 'cursor', text);
  refused(test, 'goose', 'extensions:\n  airlock:\n    __proto__: {cmd: /x/airlock, args: [mcp]}\n');
  refused(test, 'codex', '[mcp_servers.airlock.__proto__]\ncommand = "/x/airlock"\nargs = ["mcp"]\n');
});

t.test('members named like those of every object are members like any other', async (test) => {
  const { file, mcp } = house(test);
  const text =
    '{"__proto__": {"mcpServers": 1}, "constructor": {"prototype": {}}, "mcpServers": {"__proto__": {"command": "x"}, "hasOwnProperty": 1}}';
  writeFileSync(file, text);
  test.equal(mcp('connect', 'cursor').status, 0);
  const after = readFileSync(file, 'utf8');
  test.ok(after.startsWith(text.slice(0, -2)), after);
  test.equal(mcp('disconnect', 'cursor').status, 0);
  test.equal(readFileSync(file, 'utf8'), text);
});

t.test('text that pretends to be structure is text', async (test) => {
  for (const [client, text] of [
    ['cursor', '{"a": "\\"}, \\"mcpServers\\": {\\"airlock\\": {", "mcpServers": {"b": {"x": "}}}} // /*"}}}\n'],
    ['codex', 'a = """\n[mcp_servers.airlock]\ncommand = "/x/airlock"\nargs = ["mcp"]\n\\""""\nb = \'[mcp_servers.airlock]\'\n'],
    ['codex', '["mcp_servers.airlock"]\ncommand = "x"\n["mcp_servers".\'airlock.b\']\ny = 1\n'],
    ['goose', 'a: |\n  extensions:\n    airlock:\n      cmd: x\nb: "\\n\\nextensions: {}"\n'],
  ] as const) {
    const { file, mcp } = house(test);
    writeFileSync(file, text);
    const done = mcp('connect', client);
    test.equal(done.status, 0, done.stderr);
    test.not(readFileSync(file, 'utf8'), text);
    test.equal(mcp('disconnect', client).status, 0);
    test.equal(readFileSync(file, 'utf8'), text, client);
  }
});

t.test('YAML bombs, tags and anchors end in an answer', async (test) => {
  const bomb = [
    'a: &a [x,x,x,x,x,x,x,x,x]',
    ...'bcdefghi'.split('').map((name, at) => `${name}: &${name} [${`*${'abcdefgh'[at] ?? ''},`.repeat(9)}]`),
  ];
  refused(test, 'goose', `${bomb.join('\n')}\nextensions:\n  airlock: {cmd: x, args: [mcp], more: *i}\n`);
  const { file, mcp } = house(test);
  writeFileSync(file, `${bomb.join('\n')}\n`);
  test.equal(mcp('connect', 'goose').status, 0, 'what is not looked at does not go off');
  test.equal(mcp('disconnect', 'goose').status, 0);
  test.equal(readFileSync(file, 'utf8'), `${bomb.join('\n')}\n`);
  refused(test, 'goose', `a: ${'['.repeat(5000)}\n`);
  refused(test, 'codex', `a = ${'['.repeat(100_000)}`);
  refused(test, 'cursor', '['.repeat(1_000_000));
});

t.test('names in messages move no cursor', async (test) => {
  refused(test, 'cursor', '{"mcpServers": {"airlock": {"command": "\\u001b[2J\\u001b]52;c;ZXZpbA==\\u0007", "args": []}}}');
  refused(test, 'cursor', '{"\u001b[31m": 1}');
});

t.test('a pipe or a link to a device at the name of a lock is not read', async (test) => {
  for (const put of [
    (path: string) => void spawnSync('mkfifo', [path]),
    (path: string) => symlinkSync('/dev/zero', path),
    (path: string) => writeFileSync(path, 'x'.repeat(2_000_000)),
  ]) {
    const { file, mcp } = house(test);
    writeFileSync(file, '{}');
    put(`${file}.airlock-lock-left`);
    const { status, stderr } = mcp('connect', 'cursor');
    test.equal(status, 0, stderr);
    put(`${file}.airlock-lock`);
    const held = mcp('disconnect', 'cursor');
    test.equal(held.status, 5);
    test.match(held.stderr, /is held by another airlock/);
  }
});

t.test('a link at the name of backup, draft or lock is not written through', async (test) => {
  const { file, home, mcp } = house(test);
  writeFileSync(file, '{"mcpServers": {"a": {}}}');
  writeFileSync(join(home, 'victim'), 'mine');
  symlinkSync('victim', `${file}.airlock-backup`);
  const { status, stderr } = mcp('connect', 'cursor');
  test.equal(status, 0, stderr);
  test.equal(readFileSync(join(home, 'victim'), 'utf8'), 'mine');
  test.notOk(lstatSync(`${file}.airlock-backup`).isSymbolicLink(), 'the link itself was replaced');
});

/** Only root can be somebody else, or give files away; for others there is no such test. */
const asRoot = (name: string, run: (t: Test) => Promise<void>): void => {
  if (process.geteuid?.() === 0) void t.test(name, run);
};

asRoot(
  'root follows no link that another user put there',

  async (test) => {
    const { file, home, mcp } = house(test);
    writeFileSync(join(home, 'shadow'), '{"mcpServers": {}}');
    symlinkSync('shadow', file);
    lchownSync(file, 65534, 65534);
    test.match(mcp('connect', 'cursor'), { status: 6, stderr: /as nobody[^]*EACCES|symbolic link of another user/ });
    test.equal(readFileSync(join(home, 'shadow'), 'utf8'), '{"mcpServers": {}}');
    lchownSync(file, 0, 0);
    test.equal(mcp('connect', 'cursor').status, 0, 'negative control: its own link it follows');
    symlinkSync('/etc', join(home, 'way'));
    lchownSync(join(home, 'way'), 65534, 65534);
    const led = mcp('connect', 'cursor', '--config', join(home, 'way', 'airlock-test', 'mcp.json'));
    test.match(led, { status: 6, stderr: /as nobody[^]*EACCES|way: is a symbolic link of another user/ });
    test.notOk(existsSync('/etc/airlock-test'), 'nor is it led elsewhere by a directory');
  },
);

t.test('negative control: an ordinary file is edited', async (test) => {
  const { file, mcp } = house(test);
  writeFileSync(file, '{}');
  test.equal(mcp('connect', 'cursor').status, 0);
  test.ok(existsSync(`${file}.airlock-backup`));
});
