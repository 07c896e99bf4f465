/**
 * A real rsyslogd, a process of its own with its own configuration: what it parsed out of what it was told, over UDP, TCP and a
 * Unix stream, while it is killed and comes back. SINK-1, SINK-6.
 */
import { until } from '@airlock/testkit';
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createSocket } from 'node:dgram';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { firsts, tell, upTo } from './fixture.js';

const RSYSLOGD = '/usr/sbin/rsyslogd';

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
const freeUdpPort = (): Promise<number> =>
  new Promise((resolve) => {
    const socket = createSocket('udp4').bind(0, '127.0.0.1', () => {
      const { port } = socket.address();
      socket.close(() => resolve(port));
    });
  });

interface Parsed {
  readonly input: string;
  readonly pri: string;
  readonly version: string;
  readonly time: string;
  readonly host: string;
  readonly app: string;
  readonly msgid: string;
  readonly data: string;
  readonly msg: string;
}

const property = (name: string, of: string): string => `property(outname="${name}" name="${of}" format="jsonf")`;

const configuration = (dir: string, udp: number, tcp: number): string => `
global(workDirectory="${dir}" maxMessageSize="64k" parser.escapeControlCharactersOnReceive="off")
module(load="imudp")
module(load="imptcp")
template(name="parsed" type="list") {
  constant(value="{") ${[
    property('input', 'inputname'),
    property('pri', 'pri'),
    property('version', 'protocol-version'),
    property('time', 'timereported" dateFormat="rfc3339'),
    property('host', 'hostname'),
    property('app', 'app-name'),
    property('msgid', 'msgid'),
    property('data', 'structured-data'),
    property('msg', 'msg'),
  ].join(' constant(value=",") ')} constant(value="}\\n")
}
ruleset(name="all") { action(type="omfile" file="${dir}/told" template="parsed" flushOnTXEnd="on" asyncWriting="off") }
input(type="imudp" address="127.0.0.1" port="${udp}" ruleset="all" name="udp")
input(type="imptcp" address="127.0.0.1" port="${tcp}" ruleset="all" name="tcp" supportOctetCountedFraming="on")
input(type="imptcp" path="${dir}/log" unlink="on" ruleset="all" name="unix" supportOctetCountedFraming="on")
`;

const dir = mkdtempSync(join(tmpdir(), 'airlock-rsyslog-'));
let child: ChildProcess | null = null;
const start = (): void => {
  child = spawn(RSYSLOGD, ['-n', '-f', join(dir, 'conf'), '-i', join(dir, 'pid')], { stdio: ['ignore', 'ignore', 'pipe'] });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => process.stderr.write(text));
};
const kill = async (): Promise<void> => {
  const ended = new Promise((resolve) => child?.once('exit', resolve));
  child?.kill('SIGKILL');
  await ended;
  rmSync(join(dir, 'pid'), { force: true });
};

const told = (input: string): Parsed[] =>
  (existsSync(join(dir, 'told')) ? readFileSync(join(dir, 'told'), 'utf8') : '')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Parsed)
    .filter((one) => one.input === input);
const seqOf = ({ data }: Parsed): number => Number(/^\[airlock@32473 seq="(\d+)"/.exec(data)?.[1]);

let udp = 0;
let tcp = 0;
t.before(async () => {
  if (!existsSync(RSYSLOGD)) throw new Error('the Debian package rsyslog is missing: apt-get install rsyslog');
  [udp, tcp] = [await freeUdpPort(), await freePort()];
  writeFileSync(join(dir, 'conf'), configuration(dir, udp, tcp));
  start();
});
t.teardown(async () => {
  await kill();
  rmSync(dir, { recursive: true, force: true });
});

const HOSTILE = 'a"b]c\\d\n<13>1 - evil - - - forged\r\u0000\u2028é\u{1f600} 99 <110>1 x';

t.test('SINK-1: every record arrives parsed, in order, though rsyslog dies and comes back', async (t) => {
  const targets = {
    udp: `syslog+udp://127.0.0.1:${udp}`,
    tcp: `syslog+tcp://127.0.0.1:${tcp}`,
    unix: `syslog+unix://${dir}/log`,
  };
  const tellings = Object.entries(targets).map(([input, to]) => ({ input, telling: tell({ to }) }));
  t.teardown(() => tellings.forEach(({ telling }) => telling.stop()));
  const all = (count: number): Promise<unknown> =>
    until(
      `rsyslog has ${count} records of each`,
      async () => tellings.every(({ input }) => new Set(told(input).map(seqOf)).size >= count),
      60_000,
    );
  const add = (count: number, fields = {}): void => tellings.forEach(({ telling }) => telling.add(count, fields));

  add(100);
  await all(100);
  for (const { input } of tellings) t.same(told(input).map(seqOf), upTo(100), `${input}: without trouble once each`);
  await until('all of it counts', async () => tellings.every(({ telling }) => telling.position.seq === 100), 30_000);
  await kill();
  add(60, { reason: HOSTILE });
  await until(
    'it is noticed that nobody is there',
    async () => tellings.every(({ telling }) => telling.said.some((one) => one.includes('waits'))),
    30_000,
  );
  for (const { telling } of tellings) t.equal(telling.position.seq, 100, 'nothing counts that nobody took');
  start();
  await all(160);
  tellings.forEach(({ telling }) => telling.kill());
  add(20);
  await all(180);
  for (const { input } of tellings) {
    const parsed = told(input);
    t.same(firsts(parsed.map(seqOf)), upTo(180), `${input}: in order, none is missing`);
    t.ok(parsed.length <= 180 + 80, `${input}: what is told twice is bounded, ${parsed.length}`);
    t.notOk(
      parsed.some((one) => Number.isNaN(seqOf(one))),
      `${input}: SINK-6, no value made a message of its own`,
    );
    t.match(parsed[0], { pri: '110', version: '1', app: 'airlock', msgid: 'operation', msg: /operation$/ });
    t.match(parsed[0]?.time, /^2026-11-20T12:00:00\.001/);
    const hostile = parsed.find((one) => seqOf(one) === 120);
    t.match(
      hostile?.data,
      'reason="a\\"b\\]c\\\\\\\\d\\\\u000a'.length > 0 ? /reason="a\\"b\\\]c\\\\d\\\\u000a<13>1 - evil/ : /never/,
    );
    t.match(hostile?.data, /é😀 99 <110>1 x"/u, `${input}: UTF-8 arrives`);
  }
});

t.test('a datagram socket such as /dev/log is named, with what to do', async (t) => {
  const made = spawn('/usr/bin/python3', [
    '-c',
    `import socket,time\ns=socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM)\ns.bind(${JSON.stringify(join(dir, 'dgram'))})\ntime.sleep(60)`,
  ]);
  t.teardown(() => made.kill('SIGKILL'));
  await until('it is there', async () => existsSync(join(dir, 'dgram')));
  const telling = tell({ to: `syslog+unix://${dir}/dgram` });
  t.teardown(() => telling.stop());
  telling.add(1);
  await until('it says so', async () =>
    telling.said.some((one) => /EPROTOTYPE: it takes datagrams.*UDP on the loopback/.test(one)),
  );
  t.equal(telling.position.seq, 0);
});
