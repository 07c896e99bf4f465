/** The unit that an MCP server runs in, tried from within by a program that wants out; and a real server, from the operator's command to an agent's call. */
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect, createConnection, type Socket } from 'node:net';
import t from 'tap';
import { call, obtain } from './approval.js';
import { airlock, AGENT, leaveFact, mainPid, must, OPERATOR, run, until } from './machine.js';
import { nextCode } from './phone.js';

const NODE = '/usr/lib/airlock/node';
const TOKEN = 't'.repeat(32);
/** Not the slot of a cell that another test may use. */
const SLOT = 15;

interface Host {
  /** What the program wrote. */
  text(): string;
  readonly said: Record<string, unknown>[];
  end(): void;
}

const open = async (): Promise<Socket> => {
  const socket = createConnection({ path: `/run/airlock/mcp/${SLOT}.sock`, allowHalfOpen: true });
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
};

const inactive = async (): Promise<boolean> =>
  (await run(['systemctl', 'is-active', `airlock-mcp@${SLOT}.service`])).stdout.trim() !== 'active';

/** Starts a program in the unit, as a cell does; `dial` is where its connections are carried to. */
const start = async (
  argv: readonly string[],
  origins: readonly string[] = [],
  dial: { host: string; port: number } | null = null,
): Promise<Host> => {
  await until(inactive, 5000);
  const control = await open();
  const said: Record<string, unknown>[] = [];
  let [held, text] = ['', ''];
  const carry = async (id: unknown): Promise<void> => {
    if (dial === null) return void control.write(`${JSON.stringify({ refused: id })}\n`);
    const [near, far] = [await open(), connect(dial)];
    near.write(`${JSON.stringify({ net: TOKEN, id })}\n`);
    near.pipe(far);
    far.pipe(near);
  };
  control.on('data', (piece: Buffer) => {
    held += piece.toString();
    const lines = held.split('\n');
    held = lines.pop() ?? '';
    for (const line of lines) {
      const message = JSON.parse(line) as Record<string, unknown>;
      said.push(message);
      if (message['dial'] !== undefined) void carry(message['dial']);
    }
  });
  control.write(`${JSON.stringify({ start: { argv, env: { OWN: 'yes' }, token: TOKEN, origins } })}\n`);
  const stdio = await open();
  stdio.on('data', (piece: Buffer) => (text += piece.toString()));
  stdio.write(`${JSON.stringify({ stdio: TOKEN })}\n`);
  return { text: () => text, said, end: () => control.destroy() };
};

/** Output of a shell script in the unit, with what it wrote to stderr. */
const inside = async (
  script: string,
  origins: readonly string[] = [],
  dial: { host: string; port: number } | null = null,
): Promise<string> => {
  const host = await start(['/bin/sh', '-c', `exec 2>&1\n${script}\necho END`], origins, dial);
  await until(() => host.text().includes('END') || host.said.some((one) => 'exited' in one || 'failed' in one), 30_000);
  host.end();
  return `${host.text()}${host.said
    .filter((one) => 'failed' in one)
    .map((one) => JSON.stringify(one))
    .join('')}`;
};

const js = (source: string): string => `${NODE} -e ${JSON.stringify(source).replaceAll('$', '\\$').replaceAll('`', '\\`')}`;

t.test('who the server is', async (t) => {
  const found = await inside('id; grep -E "^(CapEff|CapBnd|NoNewPrivs|Seccomp):" /proc/self/status; env | sort');
  t.match(found, /uid=6\d{4}/, 'a user of its own, made for this one run');
  t.notMatch(found, /groups=[^\n]*airlock/, 'of no group of Airlock');
  t.match(found, /NoNewPrivs:\s+1/);
  t.match(found, /Seccomp:\s+2/);
  t.match(found, /CapBnd:\s+0000000000000400/, 'the only capability there can be: ports below 1024 of its own namespace');
  t.notMatch(found, /AIRLOCK|LISTEN_|NOTIFY_SOCKET|INVOCATION/, 'nothing of the unit in its environment');
  t.match(found, 'OWN=yes');
});

/** What must not be seen, and a sign that it was. */
const CLOSED: readonly (readonly [what: string, script: string])[] = [
  ['homes', `ls -A /home /root /run/user 2>/dev/null | grep -v : | grep .`],
  ["the operator's home", `ls /home/${OPERATOR}`],
  ['sockets of Airlock', 'ls /run/airlock'],
  ['any socket of a daemon', 'find / -type s -not -path "/proc/*" 2>/dev/null | grep .'],
  ['state of the gateway', 'ls /var/lib/airlock-gateway'],
  ['state of airlock-totp', 'ls /var/lib/airlock-totp'],
  ['configuration', 'cat /etc/airlock/airlock.yaml'],
  ['paths given to cells', 'ls /srv/airlock'],
  ['logs', 'ls /var/log'],
  ['connectors', 'ls /usr/lib/airlock/connectors'],
  ['writing /usr', 'touch /usr/x'],
  ['writing /etc', 'touch /etc/x'],
  ['writing /var', 'touch /var/x || touch /var/lib/airlock-mcp/x || touch /var/tmp/x'],
  ['shared memory', 'touch /dev/shm/x'],
  [
    'anything but its temporary directory',
    'find / -writable -type d -not -path "/proc/*" 2>/dev/null | grep -v "^/tmp/home$" | grep .',
  ],
  ['a namespace of its own', 'unshare -U true'],
  ['mounting', 'mount -t tmpfs none /tmp'],
  ['becoming root', 'setpriv --reuid=0 true'],
  [
    'tracing its host',
    'strace -p $PPID -e none -o /dev/null & sleep 1; kill -0 $! && grep -q "^TracerPid:.*[1-9]" /proc/$PPID/status',
  ],
];

t.test('what it cannot see, write or become', async (t) => {
  for (const [what, script] of CLOSED)
    t.notMatch(await inside(`if { ${script}; } >/dev/null 2>&1; then echo OPEN; fi`), 'OPEN', what);
  t.match(await inside('if { ls /usr; } >/dev/null 2>&1; then echo OPEN; fi'), 'OPEN', 'negative control');
  const gateway = await mainPid('airlock-gateway');
  t.notMatch(
    await inside(`if ls /proc/${gateway} /proc/1/environ >/dev/null 2>&1; then echo OPEN; fi`),
    'OPEN',
    'processes of others',
  );
  t.match(await inside('ls -d /proc/[0-9]* | wc -l'), /^[2-6]\n/, 'it sees its own');
});

const tryNet = (host: string, port: number): string =>
  js(
    `const s=require('node:net').connect(${port},'${host}');s.on('connect',()=>{console.log('OPEN');process.exit()});s.on('error',e=>console.log(e.code));setTimeout(()=>process.exit(),5000)`,
  );

t.test('UPSTREAM-3 no network but the declared names', async (t) => {
  const server = createServer((_, response) => response.end('from the declared origin'));
  server.listen(8099, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  for (const [host, port] of [
    ['1.1.1.1', 443],
    ['127.0.0.1', 8099],
    ['::1', 8099],
    ['169.254.169.254', 80],
    ['10.0.0.1', 53],
  ] as const)
    t.notMatch(await inside(tryNet(host, port)), 'OPEN', `${host} ${port}`);
  const fetched = js(
    `fetch('http://api.example.org:8099/').then(r=>r.text()).then(console.log,e=>console.log('FAILED',e.cause?.code));fetch('http://other.example.org:8099/').then(()=>console.log('OPEN'),e=>console.log('other',e.cause?.code))`,
  );
  const found = await inside(fetched, ['http://api.example.org:8099'], { host: '127.0.0.1', port: 8099 });
  t.match(found, 'from the declared origin');
  t.match(found, /other (?:ENOTFOUND|EAI_AGAIN)/, 'no other name');
  t.notMatch(found, 'OPEN');
  const looked = js(
    `require('node:dns').resolve4('api.example.org',(e,a)=>console.log(e?.code,a));require('node:dns').lookup('secret.attacker.example',(e,a)=>console.log(e?.code,a))`,
  );
  t.match(await inside(looked, ['https://api.example.org:443'], null), /127\.0\.1\.1/, 'resolvers of both kinds');
  t.notMatch(
    await inside(
      js(`fetch('https://api.example.org/').then(()=>console.log('OPEN'),e=>console.log('closed',e.cause?.code))`),
      ['https://api.example.org:443'],
      null,
    ),
    'OPEN',
    'what the cell refuses',
  );
});

t.test('what it may use up', async (t) => {
  const memory = await start([NODE, '-e', 'const a=[];for(;;)a.push(Buffer.alloc(1<<24,1));']);
  t.ok(await until(inactive, 60_000), 'one that takes all memory is killed');
  memory.end();
  t.match(
    await inside('i=0; while [ $i -lt 400 ]; do sleep 20 & i=$((i+1)); done 2>&1 | head -1; echo; ls -d /proc/[0-9]* | wc -l'),
    /annot fork|[0-9]/,
  );
  t.match(await inside('head -c 200000000 /dev/zero >x; ls -l x; touch /tmp/y'), /No space left[^]*Read-only/, 'temporary files');
  t.match(
    await inside(
      js(
        `let n=0;const t=Date.now();for(let i=0;i<1e8;i++)n+=i;console.log(Date.now()-t<5000?'FAST':'SLOW');WebAssembly.compile(new Uint8Array([0,97,115,109,1,0,0,0])).then(()=>console.log('WASM'))`,
      ),
    ),
    /FAST[^]*WASM/,
    'compiled code runs',
  );
});

t.test('UPSTREAM-4 everything it started dies with the cell', async (t) => {
  const host = await start([
    '/bin/sh',
    '-c',
    'trap "" TERM HUP INT; for i in 1 2 3; do setsid -f sh -c "trap \\"\\" TERM HUP INT; exec sleep 4242"; done; (nohup sleep 4242 &) ; echo READY; sleep 4242',
  ]);
  await until(() => host.text().includes('READY'), 5000);
  const living = async (): Promise<number> => Number((await run(['pgrep', '-c', '-f', '-x', 'sleep 4242'])).stdout.trim());
  t.ok((await living()) >= 5, 'negative control');
  const pid = await mainPid(`airlock-mcp@${SLOT}`);
  leaveFact('mcp host rss', await must(['grep', 'VmRSS', `/proc/${pid}/status`]));
  host.end();
  t.ok(await until(async () => (await living()) === 0, 5000), 'all of them');
  t.ok(await inactive());
});

t.test('a program that stops its host does not live on to the next lease of the slot', async (t) => {
  const host = await start(['/bin/sh', '-c', 'echo READY; kill -STOP $PPID; sleep 4242']);
  const pid = await mainPid(`airlock-mcp@${SLOT}`);
  t.ok(await until(() => / T /.test(readFileSync(`/proc/${pid}/stat`, 'latin1').replace(/^.*\)/s, '')), 5000), 'it is stopped');
  host.end();
  t.equal(await until(inactive, 1000), null, 'negative control: the host cannot end itself');
  await must(['systemctl', 'kill', '--signal=KILL', `airlock-cell@${SLOT}.service`]);
  t.ok(await until(inactive, 5000), 'it ends with its cell');
});

t.test('a real server, from the command of the operator to the call of an agent', async (t) => {
  const program = '/checkout/node_modules/@modelcontextprotocol/server-memory/dist/index.js';
  const env = ['--env', 'MEMORY_FILE_PATH=/tmp/home/memory.jsonl'];
  const add = ['service', 'add', 'mcp', '--name', 'memory', ...env, '--stdin', '--json', '--', 'node', program];
  const added = await run(['airlock-ctl', ...add], { user: OPERATOR, input: `${await nextCode()}\n`, timeoutMs: 60_000 });
  t.equal(added.status, 0, `${added.stdout}${added.stderr}`);
  const { asked } = await obtain(['memory:read'], 30, { user: AGENT });
  t.equal(asked.status, 0, JSON.stringify(asked.value));
  const read = await call('read_graph', {}, { service: 'memory' });
  t.match(JSON.stringify(read.value), 'entities', JSON.stringify(read.value));
  const units = (
    await must([
      'bash',
      '-c',
      "systemctl list-units --plain --no-legend --state=active 'airlock-mcp@*.service' | awk '{print $1}'",
    ])
  )
    .split('\n')
    .filter(Boolean);
  t.equal(units.length, 1, 'one server runs');
  const slot = /@(\d+)/.exec(units[0] ?? '')?.[1] ?? '';
  const cell = await mainPid(`airlock-cell@${slot}`);
  t.equal(
    await must(['nsenter', '-t', String(cell), '-m', 'ls', '/run/airlock/mcp']),
    `${slot}.sock`,
    'its cell sees its socket and no other',
  );
  t.same(readdirSync('/run/airlock/mcp').length, 16, 'negative control: there are others');
  t.equal((await airlock(['release'], { user: AGENT })).status, 0);
  const isGone = async (): Promise<boolean> => (await run(['systemctl', 'is-active', units[0] ?? ''])).stdout.trim() !== 'active';
  t.ok(await until(isGone, 10_000), 'the server ends with the lease');
});
