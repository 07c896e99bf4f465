/** What connect makes of real files, byte by byte, and that disconnect gives the bytes back. */
import { readFileSync } from 'node:fs';
import t from 'tap';
import { connectEdit, disconnectEdit, type ClientName } from '../../src/clients/index.js';
import { launchOf, target } from './targets.js';

interface Case {
  readonly what: string;
  readonly client: ClientName;
  readonly before: string;
  readonly after: string;
}

const ENTRY = (client: string, extra = ''): string =>
  `{${extra}"command":"/usr/local/bin/airlock","args":["mcp"],"env":{"AIRLOCK_AGENT":"${client}"}}`;

const CASES: readonly Case[] = [
  {
    what: 'a file that is not there',
    client: 'claude-code',
    before: '',
    after:
      '{\n  "mcpServers": {\n    "airlock": {\n      "type": "stdio",\n      "command": "/usr/local/bin/airlock",\n      "args": [\n        "mcp"\n      ],\n' +
      '      "env": {\n        "AIRLOCK_AGENT": "claude-code"\n      }\n    }\n  }\n}\n',
  },
  {
    what: 'no container yet, other settings stay',
    client: 'claude-code',
    before: '{\n  "numStartups": 3,\n  "projects": {"/a": {"history": []}}\n}',
    after:
      '{\n  "numStartups": 3,\n  "projects": {"/a": {"history": []}},\n  "mcpServers": {\n    "airlock": {\n      "type": "stdio",\n      "command": "/usr/local/bin/airlock",\n' +
      '      "args": [\n        "mcp"\n      ],\n      "env": {\n        "AIRLOCK_AGENT": "claude-code"\n      }\n    }\n  }\n}',
  },
  {
    what: 'all on one line',
    client: 'claude-desktop',
    before: '{"mcpServers":{"a":{"command":"x"}},"z":1}\n',
    after: `{"mcpServers":{"a":{"command":"x"},"airlock":${ENTRY('claude-desktop')}},"z":1}\n`,
  },
  {
    what: 'all on one line, with an empty container',
    client: 'cline',
    before: '{ "mcpServers": {} }',
    after: `{ "mcpServers": {"airlock":${ENTRY('cline').slice(0, -1)},"disabled":false}} }`,
  },
  {
    what: 'tabs and CRLF',
    client: 'cursor',
    before: '{\r\n\t"mcpServers": {\r\n\t\t"other": { "url": "http://x" }\r\n\t}\r\n}\r\n',
    after:
      '{\r\n\t"mcpServers": {\r\n\t\t"other": { "url": "http://x" },\r\n\t\t"airlock": {\r\n\t\t\t"command": "/usr/local/bin/airlock",\r\n\t\t\t"args": [\r\n\t\t\t\t"mcp"\r\n\t\t\t],\r\n' +
      '\t\t\t"env": {\r\n\t\t\t\t"AIRLOCK_AGENT": "cursor"\r\n\t\t\t}\r\n\t\t}\r\n\t}\r\n}\r\n',
  },
  {
    what: 'comments and trailing commas',
    client: 'zed',
    before:
      '// Zed settings\n{\n  // a theme\n  "theme": "One", /* dark */\n  "context_servers": {\n    "other": {"command": "x"}, // keep me\n    // the end\n  },\n}\n',
    after:
      '// Zed settings\n{\n  // a theme\n  "theme": "One", /* dark */\n  "context_servers": {\n    "other": {"command": "x"}, // keep me\n    // the end\n' +
      '    "airlock": {\n      "source": "custom",\n      "command": "/usr/local/bin/airlock",\n      "args": [\n        "mcp"\n      ],\n      "env": {\n        "AIRLOCK_AGENT": "zed"\n      }\n    },\n  },\n}\n',
  },
  {
    what: 'a comment behind the last member, four spaces, a byte order mark',
    client: 'vscode',
    before:
      '\uFEFF{\n    "servers": {\n        "a": {"type": "http", "url": "http://x"} // remote\n    },\n    "inputs": []\n}\n',
    after:
      '\uFEFF{\n    "servers": {\n        "a": {"type": "http", "url": "http://x"}, // remote\n        "airlock": {\n            "type": "stdio",\n            "command": "/usr/local/bin/airlock",\n' +
      '            "args": [\n                "mcp"\n            ],\n            "env": {\n                "AIRLOCK_AGENT": "vscode"\n            }\n        }\n    },\n    "inputs": []\n}\n',
  },
  {
    what: 'an empty container on lines of its own',
    client: 'gemini',
    before: '{ // mine\n  "mcpServers": {\n  },\n  "ui": {}\n}\n',
    after:
      '{ // mine\n  "mcpServers": {\n    "airlock": {\n      "command": "/usr/local/bin/airlock",\n      "args": [\n        "mcp"\n      ],\n      "env": {\n        "AIRLOCK_AGENT": "gemini"\n      }\n    }\n  },\n  "ui": {}\n}\n',
  },
  {
    what: 'odd indentation',
    client: 'opencode',
    before:
      '{\n "$schema": "https://opencode.ai/config.json",\n       "mcp": {\n\n          "a": {"type": "local",\n "command": ["x"]}\n\n\n }\n}',
    after:
      '{\n "$schema": "https://opencode.ai/config.json",\n       "mcp": {\n\n          "a": {"type": "local",\n "command": ["x"]},\n          "airlock": {\n           "type": "local",\n           "command": [\n            "/usr/local/bin/airlock",\n            "mcp"\n           ],\n' +
      '           "environment": {\n            "AIRLOCK_AGENT": "opencode"\n           },\n           "enabled": true\n          }\n\n\n }\n}',
  },
  {
    what: 'TOML, with what looks like a header in a string',
    client: 'codex',
    before:
      '# mine\nmodel = "o3"   # best\nnote = """\n[mcp_servers.airlock]\n"""\n\n[mcp_servers."a.b"]\ncommand = \'x\'\n# the end\n',
    after:
      '# mine\nmodel = "o3"   # best\nnote = """\n[mcp_servers.airlock]\n"""\n\n[mcp_servers."a.b"]\ncommand = \'x\'\n# the end\n\n' +
      '[mcp_servers.airlock]\ncommand = "/usr/local/bin/airlock"\nargs = [ "mcp" ]\n\n[mcp_servers.airlock.env]\nAIRLOCK_AGENT = "codex"\n',
  },
  {
    what: 'TOML with CRLF and no line end at the end',
    client: 'codex',
    before: 'model = "o3"\r\n[tui]\r\nnotifications = true',
    after:
      'model = "o3"\r\n[tui]\r\nnotifications = true\r\n\r\n[mcp_servers.airlock]\r\ncommand = "/usr/local/bin/airlock"\r\nargs = [ "mcp" ]\r\n\r\n[mcp_servers.airlock.env]\r\nAIRLOCK_AGENT = "codex"',
  },
  {
    what: 'YAML, between other settings',
    client: 'goose',
    before:
      'GOOSE_MODEL: x # best\nextensions:\n  # built in\n  developer:\n    enabled: true\n    type: builtin   # yes\n\n# last\nGOOSE_MODE: auto\n',
    after:
      'GOOSE_MODEL: x # best\nextensions:\n  # built in\n  developer:\n    enabled: true\n    type: builtin   # yes\n' +
      '  airlock:\n    name: airlock\n    type: stdio\n    cmd: /usr/local/bin/airlock\n    args:\n      - mcp\n    envs:\n      AIRLOCK_AGENT: goose\n    enabled: true\n    timeout: 300\n\n# last\nGOOSE_MODE: auto\n',
  },
  {
    what: 'YAML with an empty mapping',
    client: 'goose',
    before: 'extensions: {} # none\r\nkeyring: true',
    after:
      'extensions: # none\r\n  airlock:\r\n    name: airlock\r\n    type: stdio\r\n    cmd: /usr/local/bin/airlock\r\n    args:\r\n      - mcp\r\n    envs:\r\n      AIRLOCK_AGENT: goose\r\n    enabled: true\r\n    timeout: 300\r\nkeyring: true',
  },
];

t.test('CLIENTS-1: only the entry is added, in the way of the file', async (t) => {
  for (const { what, client, before, after } of CASES) {
    const edit = connectEdit(before, target(client), launchOf(client));
    t.equal(edit.change, 'added', `${client}: ${what}`);
    t.equal(edit.text, after, `${client}: ${what}`);
  }
});

t.test('CLIENTS-9: connecting again changes nothing', async (t) => {
  for (const { what, client, after } of CASES)
    t.same(connectEdit(after, target(client), launchOf(client)), { change: 'none', text: after }, `${client}: ${what}`);
});

t.test('CLIENTS-10: disconnecting gives back the bytes of before', async (t) => {
  for (const { what, client, before, after } of CASES) {
    t.same(disconnectEdit(after, target(client), before), { change: 'removed', text: before }, `${client}: ${what}`);
    const gone = disconnectEdit(after, target(client), before === '' ? null : 'another backup');
    t.equal(gone.change, 'removed');
    if (before === '') t.equal(gone.text, null, 'a file that was not there goes again');
    else if (!/\{\s*\}/.test(before.replace('"ui": {}', ''))) t.equal(gone.text, before, `${client}: ${what}, without a backup`);
  }
});

t.test('an entry in the middle goes alone, with comments around it kept', async (t) => {
  const entry = ENTRY('cursor');
  const file = `{\n  "mcpServers": {\n    "a": {}, // a\n    "airlock": ${entry}, // ours\n    // b follows\n    "b": {}\n  }\n}\n`;
  const rest = '{\n  "mcpServers": {\n    "a": {}, // a\n     // ours\n    // b follows\n    "b": {}\n  }\n}\n';
  t.equal(disconnectEdit(file, target('cursor'), null).text, rest);
  const toml =
    'a = 1\n\n[mcp_servers.airlock]\ncommand = "/x/airlock"\nargs = ["mcp"]\n\n# of b\n[mcp_servers.b]\ncommand = "b"\n[mcp_servers.airlock.tools.x]\napproval = "never"\n';
  t.equal(disconnectEdit(toml, target('codex'), null).text, 'a = 1\n\n# of b\n[mcp_servers.b]\ncommand = "b"\n');
  const dense = 'a = 1\n[mcp_servers.airlock]\ncommand = "/x/airlock"\nargs = ["mcp"]\n[z]\nb = 1\n';
  t.equal(disconnectEdit(dense, target('codex'), null).text, 'a = 1\n[z]\nb = 1\n');
  const yaml = 'extensions:\n  airlock:\n    cmd: /x/airlock\n    args: [mcp]\n  # of b\n  b:\n    cmd: y\n';
  t.equal(disconnectEdit(yaml, target('goose'), null).text, 'extensions:\n  # of b\n  b:\n    cmd: y\n');
});

t.test('an older entry of ours is brought up to date where it stands; what others added in it stays', async (t) => {
  const old =
    '{"mcpServers":{"airlock":{"command":"/old/airlock","args":["mcp"],"env":{"MINE":"1","AIRLOCK_ROLE":"x"},"timeout":9},"b":{}}}';
  const { change, text } = connectEdit(old, target('cursor'), launchOf('cursor'));
  t.equal(change, 'updated');
  t.equal(
    text,
    '{"mcpServers":{"airlock":{"command":"/usr/local/bin/airlock","args":["mcp"],"env":{"MINE":"1","AIRLOCK_AGENT":"cursor"},"timeout":9},"b":{}}}',
  );
  const toml = '[mcp_servers.airlock]\ncommand = "/old/airlock"\nargs = ["mcp"]\nstartup_timeout_sec = 20\n\n[z]\na = 1\n';
  const edit = connectEdit(toml, target('codex'), launchOf('codex'));
  t.equal(
    edit.text,
    '[mcp_servers.airlock]\ncommand = "/usr/local/bin/airlock"\nargs = [ "mcp" ]\nstartup_timeout_sec = 20\n\n[mcp_servers.airlock.env]\nAIRLOCK_AGENT = "codex"\n\n[z]\na = 1\n',
  );
  const yaml = 'extensions:\n  airlock:\n    cmd: /old/airlock\n    args: [mcp]\n    bundled: null\n  b: {cmd: y}\n';
  t.match(
    connectEdit(yaml, target('goose'), launchOf('goose')).text,
    /cmd: \/usr\/local\/bin\/airlock\n[^]*bundled: null\n[^]* {2}b: \{cmd: y\}\n$/,
  );
});

t.test('CLIENTS-3: an entry of another server stays, unless forced', async (t) => {
  const file = '{"mcpServers":{"airlock":{"command":"npx","args":["other"],"env":{"TOKEN":"s3cret"}}}}';
  for (const edit of [
    () => connectEdit(file, target('cursor'), launchOf('cursor')),
    () => disconnectEdit(file, target('cursor'), null),
  ])
    t.throws(edit, { code: 'PARAMS_INVALID', data: { found: /npx.*TOKEN/, hint: /--force/ } });
  try {
    connectEdit(file, target('cursor'), launchOf('cursor'));
  } catch (thrown) {
    t.notMatch(JSON.stringify(thrown), 's3cret', 'no value of its environment is shown');
  }
  const forced = target('cursor', { isForced: true });
  t.equal(connectEdit(file, forced, launchOf('cursor')).text, `{"mcpServers":{"airlock":${ENTRY('cursor')}}}`);
  t.equal(connectEdit('{"mcpServers":{"airlock":5}}', forced, launchOf('cursor')).change, 'replaced');
});

t.test('CLIENTS-11: a broken file is refused with file, line and column', async (t) => {
  const broken: readonly (readonly [ClientName, string, RegExp])[] = [
    ['claude-code', '{\n  "a": 1,\n}', /^FILE:3:1: /],
    ['claude-code', '{\n  // mine\n}', /^FILE:2:3: a comment, which this client does not read$/],
    ['claude-desktop', '{"a" 1}', /^FILE:1:\d+: no valid JSON: colon expected/],
    ['gemini', '{"a": 1,}', /^FILE:1:9: /],
    ['cursor', '[1]', /^FILE:1:1: the file is no object but array/],
    ['cursor', '{"mcpServers": []}', /^FILE:1:16: "mcpServers" is no object but array/],
    ['cursor', '{} {}', /^FILE:1:4: /],
    ['vscode', '{"servers": {}}trailing', /^FILE:1:16: /],
    ['codex', 'a = 1\nb = \n', /^FILE:2:\d+: no valid TOML/],
    ['codex', 'mcp_servers = 5', /^FILE:1:1: mcp_servers is no table/],
    ['codex', '[mcp_servers]\nairlock = {command = "/x/airlock", args = ["mcp"]}', /not as a table/],
    ['goose', 'a: 1\n b: 2\n', /^FILE:1:4: no valid YAML/],
    ['goose', 'a: 1\n---\nb: 2\n', /^FILE:\d+:\d+: no valid YAML/],
    ['goose', 'extensions: [1]\n', /^FILE:1:13: extensions is no mapping/],
    ['goose', 'x: &a {b: {cmd: y}}\nextensions: *a\n', /^FILE:2:13: extensions is no mapping/],
  ];
  for (const [client, text, message] of broken)
    t.throws(
      () => connectEdit(text, target(client), { ...launchOf(client), args: ['mcp', '--role', 'a'] }),
      { code: 'CONFIG_INVALID', message },
      `${client}: ${text}`,
    );
});

t.test('CLIENTS-2: where the entry cannot be put in without changing something else, nothing is', async (t) => {
  const texts: readonly (readonly [ClientName, string])[] = [
    ['codex', 'mcp_servers = {a = {command = "x"}}'],
    ['goose', 'a: 1\n...\n'],
    ['goose', 'extensions: !!set {}\n'],
  ];
  for (const [client, text] of texts)
    t.throws(
      () => connectEdit(text, target(client), launchOf(client)),
      { code: 'CONFIG_INVALID', message: /^FILE: cannot be edited without/, data: { hint: /airlock mcp print/ } },
      text,
    );
});

t.test('the example of docs/spec/clients.md is what happens', async (t) => {
  const page = readFileSync(new URL('../../../../../docs/spec/clients.md', import.meta.url), 'utf8');
  const [before = '', after = ''] = [...page.matchAll(/^```jsonc\n(.*?)^```$/gms)].map(([, text]) => text);
  t.match(before, 'keep me');
  t.equal(connectEdit(before, target('zed'), launchOf('zed')).text, after);
  t.equal(disconnectEdit(after, target('zed'), null).text, before);
});
