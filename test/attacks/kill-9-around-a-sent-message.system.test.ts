// Attack: kill -9 of either daemon or the cell at each step of an approved message to a real submission server that counts
// (aiosmtpd, Debian package python3-aiosmtpd). At most once, and never a wrong claim. PARKED-4, MAIL-36.
import { createServer, connect, type AddressInfo, type Socket } from 'node:net';
import { daemonOf, isAlive, pidsOf, startAiosmtpd, until, type AiosmtpdServer, type ProgramName } from '@airlock/testkit';
import t from 'tap';
import { startMailHouse, type MailHouse } from './support/write-house.js';

const PROGRAMS: readonly ProgramName[] = ['airlock-totp', 'airlock-gateway', 'airlock-cell'];
/** What the client has said last when the kill comes; the answer to it never arrives. */
const STEPS = {
  connected: /^/,
  'logging in': /^AUTH/m,
  addressed: /^RCPT/m,
  announced: /^DATA\r\n/m,
  sent: /\r\n\.\r\n$/,
} as const;

/** Between the cell and the server: holds the answer to one step back, for ever. */
interface Between {
  readonly port: number;
  hold: RegExp | null;
  reached: () => void;
  close(): void;
}

const startBetween = async (port: number): Promise<Between> => {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(port, '127.0.0.1');
    let said = '';
    let isHeld = between.hold?.test('') === true;
    if (isHeld) between.reached();
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
    }
    client.on('data', (bytes: Buffer) => {
      said += bytes.toString('latin1');
      if (between.hold?.test(said) === true && !isHeld) {
        isHeld = true;
        between.reached();
      }
      upstream.write(bytes);
    });
    upstream.on('data', (bytes) => (isHeld ? undefined : client.write(bytes)));
    client.once('close', () => upstream.destroy());
    upstream.once('close', () => client.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const between: Between = {
    port: (server.address() as AddressInfo).port,
    hold: null,
    reached: () => undefined,
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
  return between;
};

let house: MailHouse;
let server: AiosmtpdServer;
let between: Between;
t.before(async () => {
  server = await startAiosmtpd('none');
  between = await startBetween(server.port);
  house = await startMailHouse(between.port);
});
t.teardown(async () => {
  await house.stop();
  between.close();
  await server.stop();
});

const kill = async (program: ProgramName): Promise<void> => {
  const pids = program === 'airlock-cell' ? pidsOf(house.running, program) : [await daemonOf(house.running, program)];
  for (const pid of pids) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
  await until('the end of it', () => pids.every((pid) => !isAlive(pid)));
};

const count = (subject: string): number =>
  server.messages.filter(({ data }) => data.includes(`\r\nSubject: ${subject}\r\n`)).length;

/** A claim of success means once, a refusal means never, unknown means at most once. */
const isTrue = (code: string, times: number): boolean => {
  if (code === 'ok') return times === 1;
  return code === 'OUTCOME_UNKNOWN' ? times <= 1 : times === 0;
};

const messageOf = (subject: string): object => ({ to: ['bob@example.org'], subject, text: 'Hello' });

for (const program of PROGRAMS)
  for (const [step, hold] of Object.entries(STEPS)) {
    t.test(`${program} killed when the cell has ${step}`, { timeout: 60_000 }, async (t) => {
      const subject = `${program} ${step}`;
      const { data } = await house.ask(messageOf(subject));
      const request = data.request ?? '';
      const reached = new Promise<void>((resolve) => (between.reached = resolve));
      between.hold = hold;
      await house.approve(request);
      await reached;
      if (step === 'sent') await until('the server has it', () => count(subject) === 1);
      between.hold = null;
      await kill(program);
      await house.again();
      const ending = await house.end(request);
      const code = ending === 'ok' ? 'ok' : ending.code;
      t.equal(code, 'OUTCOME_UNKNOWN', 'nobody can know');
      t.equal(count(subject), step === 'sent' ? 1 : 0);
      const later = await house.end(request);
      t.equal(later === 'ok' ? 'ok' : later.code, code, 'and it stays so');
      t.ok(isTrue(code, count(subject)), 'never again');
    });
  }

t.test('a message that nobody disturbs is sent once (negative control)', async (t) => {
  t.equal(await house.write(messageOf('undisturbed')), 'ok');
  await until('the server prints it', () => count('undisturbed') === 1);
  t.notOk(isTrue('ok', 2) || isTrue('ok', 0) || isTrue('UPSTREAM_REFUSED', 1) || isTrue('OUTCOME_UNKNOWN', 2));
});
