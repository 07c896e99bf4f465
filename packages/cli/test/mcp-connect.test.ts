/** `airlock mcp connect|disconnect|ls|print` as typed: which file, what is said, what is left. */
import { existsSync } from 'node:fs';
import t from 'tap';
import { CLIENT_NAMES } from '@airlock/mcp/client-names';
import { clientHome } from './client-home.js';
import { airlock, SINGLE_FILES, STUB } from './command.js';

const FILES: Readonly<Record<(typeof CLIENT_NAMES)[number], string>> = {
  'claude-code': '.claude.json',
  'claude-desktop': '.config/Claude/claude_desktop_config.json',
  codex: '.codex/config.toml',
  cursor: '.cursor/mcp.json',
  vscode: '.config/Code/User/mcp.json',
  gemini: '.gemini/settings.json',
  zed: '.config/zed/settings.json',
  opencode: '.config/opencode/opencode.json',
  goose: '.config/goose/config.yaml',
  cline: '.config/Code/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json',
};

t.test('every client is connected in its own file, told so once, and disconnected without a trace', async (test) => {
  for (const client of CLIENT_NAMES) {
    const home = clientHome(test);
    const connected = await home.mcp(['connect', client, '--json']);
    test.match(connected.json, { client, file: home.at(FILES[client]), change: 'added', name: 'airlock', next: String }, client);
    test.match(home.read(FILES[client]), STUB, 'the absolute path of this command');
    test.match(home.read(FILES[client]), new RegExp(`AIRLOCK_AGENT\\W+${client}\\b`), 'for whom it speaks');
    const again = await home.mcp(['connect', client]);
    test.match(again.stdout, /is connected already; nothing changed/, `CLIENTS-9 ${client}`);
    test.same(home.beside(FILES[client]).length, 1, 'nothing beside it');
    const gone = await home.mcp(['disconnect', client]);
    test.match(gone.stdout, /disconnected .* is gone/);
    test.equal(existsSync(home.at(FILES[client])), false);
  }
});

t.test('print says what connect writes; what is not connected is not disconnected', async (test) => {
  const home = clientHome(test);
  await home.mcp(['connect', 'codex']);
  test.match((await home.mcp(['print', 'codex', '--json'])).json, {
    snippet: home.read(FILES.codex),
    file: home.at(FILES.codex),
  });
  test.match(
    (await home.mcp(['print', 'goose'])).stdout,
    /^# Goose: into .*config\.yaml\nextensions:\n {2}airlock:\n[^]*\n# then: /,
  );
  test.match((await home.mcp(['disconnect', 'zed', '--json'])).json, { change: 'none', backup: null });
  test.equal(existsSync(home.at(FILES.zed)), false);
});

t.test('the client’s own variables name its directory; --config and --project name a file', async (test) => {
  const home = clientHome(test);
  const env = {
    CLAUDE_CONFIG_DIR: home.at('cl'),
    CODEX_HOME: home.at('cx'),
    XDG_CONFIG_HOME: home.at('xdg'),
    AIRLOCK_RUNTIME_DIR: home.at('run'),
  };
  for (const [client, file] of [
    ['claude-code', 'cl/.claude.json'],
    ['codex', 'cx/config.toml'],
    ['goose', 'xdg/goose/config.yaml'],
  ] as const) {
    await home.mcp(['connect', client], env);
    test.match(home.read(file), home.at('run'), 'other sockets than those of an installation are written down');
  }
  const config = home.at('some where/x.json');
  test.equal((await home.mcp(['connect', 'cursor', '--config', config, '--name', 'mail', '--role', 'infra'])).code, 0);
  test.match(JSON.parse(home.read('some where/x.json')), {
    mcpServers: { mail: { args: ['mcp', '--role', 'infra'], env: { AIRLOCK_AGENT: 'cursor' } } },
  });
  home.write('.config/opencode/opencode.jsonc', '{\n  // mine\n}\n');
  test.match((await home.mcp(['connect', 'opencode', '--json'])).json, { file: home.at('.config/opencode/opencode.jsonc') });
});

t.test('CLIENTS-12: --dry-run shows the difference and writes nothing', async (test) => {
  const home = clientHome(test);
  const before = '{\n  "mcpServers": {\n    "a": {} // \u001b[31m\n  }\n}\n';
  home.write('.cursor/mcp.json', before);
  const { stdout, code } = await home.mcp(['connect', 'cursor', '--dry-run']);
  test.equal(code, 0);
  const file = home.at('.cursor/mcp.json');
  test.equal(
    stdout,
    [
      `--- ${file}`,
      `+++ ${file}`,
      '@@ -1,5 +1,14 @@',
      ' {',
      '   "mcpServers": {',
      '-    "a": {} // \\u{1b}[31m',
      '+    "a": {}, // \\u{1b}[31m',
      '+    "airlock": {',
      `+      "command": "${STUB}",`,
      '+      "args": [',
      '+        "mcp"',
      '+      ],',
      '+      "env": {',
      '+        "AIRLOCK_AGENT": "cursor"',
      '+      }',
      '+    }',
      '   }',
      ' }',
      '',
    ].join('\n'),
    'what others wrote moves no cursor',
  );
  test.equal(home.read('.cursor/mcp.json'), before);
  test.same(home.beside('.cursor/mcp.json'), ['mcp.json']);
  test.match((await home.mcp(['connect', 'goose', '--dry-run', '--json'])).json, { dryRun: true, diff: /^--- \/dev\/null/ });
  test.equal(existsSync(home.at('.config')), false, 'not even a directory');
  test.match((await home.mcp(['disconnect', 'cursor', '--dry-run'])).stdout, 'nothing would change');
});

t.test('CLIENTS-3: the entry of another server is shown beside ours and stays, unless forced', async (test) => {
  const home = clientHome(test);
  const before = '{"mcpServers":{"airlock":{"command":"npx","args":["-y","other"],"env":{"TOKEN":"s3cret"}}}}';
  home.write('.cursor/mcp.json', before);
  const { code, stderr } = await home.mcp(['connect', 'cursor']);
  test.equal(code, 2);
  test.match(stderr, /there: \{"command":"npx".*\nairlock: ours: {2}\{"command"/);
  test.notMatch(stderr, 's3cret');
  test.equal(home.read('.cursor/mcp.json'), before);
  test.equal((await home.mcp(['disconnect', 'cursor'])).code, 2);
  test.match((await home.mcp(['connect', 'cursor', '--force', '--json'])).json, { change: 'replaced' });
  test.equal(home.read('.cursor/mcp.json.airlock-backup'), before, 'CLIENTS-8');
});

t.test('ls: installed, connected, stale, unreadable', async (test) => {
  const home = clientHome(test);
  await home.mcp(['connect', 'codex']);
  home.write('.cursor/mcp.json', '{"mcpServers":{"airlock":{"command":"/gone/airlock","args":["mcp"]}}}');
  home.write('.gemini/settings.json', '{\n"mcpServers": 1}');
  const rows = (await home.mcp(['ls', '--json'])).json as readonly { client: string }[];
  const row = (name: string) => rows.find(({ client }) => client === name);
  test.same(
    rows.map(({ client }) => client),
    CLIENT_NAMES,
  );
  test.match(row('codex'), { installed: true, connected: true, stale: false, command: `${STUB} mcp`, problem: null });
  test.match(row('cursor'), { connected: true, stale: true, command: '/gone/airlock mcp' });
  test.match(row('gemini'), { connected: false, problem: /settings\.json:2:15: / });
  test.match(row('zed'), { installed: false, connected: false, command: null });
  const { stdout } = await home.mcp(['ls']);
  test.match(stdout, /^CLIENT +INSTALLED +CONNECTED +STALE +CONFIGURATION +COMMAND\n/);
  test.match(stdout, /\ncursor +yes +yes +yes: connect again /);
  await home.mcp(['connect', 'cursor']);
  test.notMatch((await home.mcp(['ls'])).stdout, 'connect again');
  await home.mcp(['connect', 'zed', '--name', 'mail']);
  test.match((await home.mcp(['ls', '--name', 'mail'])).stdout, /\nzed +yes +yes +no /);
});

t.test('what cannot be meant is refused with what can', async (test) => {
  const home = clientHome(test);
  const lines: readonly (readonly [readonly string[], object])[] = [
    [['connect', 'emacs'], { code: 'PARAMS_INVALID', expected: /claude-code, / }],
    [['connect', 'cursor', '--name', '__proto__'], { code: 'PARAMS_INVALID', field: '--name' }],
    [['connect', 'cursor', '--name', 'a b'], { code: 'PARAMS_INVALID', field: '--name' }],
    [['connect', 'cursor', '--role', '../x'], { code: 'PARAMS_INVALID', field: '--role' }],
    [['connect', 'goose', '--project'], { code: 'PARAMS_INVALID', field: '--project' }],
    [['connect', 'cursor', '--project', '--config', 'x'], { code: 'PARAMS_INVALID' }],
    [['connect'], { code: 'PARAMS_INVALID' }],
  ];
  for (const [argv, error] of lines) test.match((await home.mcp([...argv, '--json'])).json, { error }, argv.join(' '));
  test.same(home.beside('x'), [], 'nothing was written');
});

t.test('setting up clients loads no MCP server', async (test) => {
  const home = clientHome(test);
  const { stderr, code } = await airlock(['mcp', 'ls', '--json'], {
    env: { ...home.env, NODE_DEBUG: 'esm,module' },
    main: SINGLE_FILES,
  });
  test.equal(code, 0);
  test.match(stderr, 'clients/index.js', 'negative control: what is loaded is told');
  test.notMatch(stderr, '@modelcontextprotocol');
});
