/** kill -9 of every process around an approved message, against a server that counts what it took. PARKED-1..5 over SMTP. */
import {
  daemonOf,
  isAlive,
  obtainLease,
  openSession,
  pidsOf,
  startTestInstance,
  until,
  untilServing,
  type AgentSession,
  type ProgramName,
  type Running,
} from '@airlock/testkit';
import type { AirlockError, CallResult } from '@airlock/protocol';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { approveShown, connectTo, frontOf } from './house.js';

/** The two servers of one account, and how often a subject was taken. */
export interface MailServers {
  readonly imapPort: number;
  readonly smtpPort: number;
  readonly password: string;
  taken(subject: string): number;
  /** From now on what is taken is not answered, where the server can be told so; until called with false. */
  holdBack(isHeld: boolean): void;
  stop(): Promise<void>;
}

const PROGRAMS: readonly ProgramName[] = ['airlock-totp', 'airlock-gateway', 'airlock-cell'];

class Sender {
  readonly running: Running;
  readonly config: string;
  agent: AgentSession;
  lease = '';

  constructor(running: Running, config: string, agent: AgentSession) {
    this.running = running;
    this.config = config;
    this.agent = agent;
  }

  async send(subject: string): Promise<string> {
    const params = { to: ['bob@example.org'], subject, text: 'hello' };
    try {
      await this.agent.call('call', { lease: this.lease, service: 'work', operation: 'send_message', params });
    } catch (thrown) {
      const { code, data, message } = thrown as AirlockError;
      if (code === 'APPROVAL_PENDING') return data.request ?? '';
      throw new Error(`${code}: ${message}`);
    }
    throw new Error('it was sent without an approval');
  }

  async approve(request: string): Promise<void> {
    const link = await connectTo(this.running, 'approve/default');
    try {
      await until('it is in front', async () => (await frontOf(link)).id === request);
      await approveShown(this.running, link);
    } finally {
      link.close();
    }
  }

  /** `ok`, or the code of the error, once it is over. */
  outcome(request: string): Promise<string> {
    return until('the outcome', async () => {
      const code = await this.agent.call<CallResult>('call.result', { request }).then(
        () => 'ok',
        (thrown: unknown) => (thrown as AirlockError).code,
      );
      return code === 'APPROVAL_PENDING' ? null : code;
    });
  }

  async kill(program: ProgramName): Promise<void> {
    const pids = program === 'airlock-cell' ? pidsOf(this.running, program) : [await daemonOf(this.running, program)];
    for (const pid of pids) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
    await until('the end of it', () => pids.every((pid) => !isAlive(pid)));
    const { resume } = this.agent.hello;
    this.agent.close();
    await untilServing(this.running);
    this.agent = await openSession(this.running, { resume });
  }

  async stop(): Promise<void> {
    this.agent.close();
    await this.running.stop();
    rmSync(this.config, { recursive: true, force: true });
  }
}

const start = async (servers: MailServers): Promise<Sender> => {
  const config = mkdtempSync(join(tmpdir(), 'airlock-config-'));
  writeFileSync(join(config, 'airlock.yaml'), 'permissions:\n  allow: [write]\n');
  const running = await startTestInstance({ config, cells: 6 });
  const settings = {
    ...{ host: '127.0.0.1', port: servers.imapPort, security: 'none', user: 'ada' },
    ...{ smtpHost: '127.0.0.1', smtpPort: servers.smtpPort, smtpSecurity: 'none', from: 'ada@example.org' },
  };
  const sets = Object.entries(settings).flatMap(([key, value]) => ['--set', `${key}=${value}`]);
  const added = await running.command('airlock-ctl', ['service', 'add', 'imap', '--name', 'work', ...sets, '--stdin', '--json'], {
    stdin: `${servers.password}\n${running.freshCode()}\n`,
  });
  if (added.status !== 0) throw new Error(`service add: ${added.stdout}${added.stderr}`);
  const sender = new Sender(running, config, await openSession(running));
  ({ lease: sender.lease } = await obtainLease(running, sender.agent, ['work:write'], { ttlS: 7200 }));
  return sender;
};

/** Success means once, a refusal means never, unknown means at most once. */
const isTrue = (code: string, times: number): boolean => {
  if (code === 'ok') return times === 1;
  return code === 'OUTCOME_UNKNOWN' ? times <= 1 : times === 0;
};

const duringDelivery = async (t: Test, sender: Sender, servers: MailServers, program: ProgramName): Promise<void> => {
  const subject = `during ${program}`;
  const request = await sender.send(subject);
  servers.holdBack(true);
  await sender.approve(request);
  await until('the server took it', () => servers.taken(subject) === 1);
  await sender.kill(program);
  servers.holdBack(false);
  const code = await sender.outcome(request);
  t.ok(isTrue(code, servers.taken(subject)), `${code}, taken ${servers.taken(subject)} times`);
  await sender.kill(program);
  t.equal(await sender.outcome(request), code, 'and it stays so');
  t.equal(servers.taken(subject), 1, 'never again');
};

/** Declares the tests. */
export const attackSentMessages = (startServers: () => Promise<MailServers>): void => {
  let servers: MailServers;
  let sender: Sender;
  t.before(async () => {
    servers = await startServers();
    sender = await start(servers);
  });
  t.teardown(async () => {
    await sender.stop();
    await servers.stop();
  });

  t.test('a message is read by the human, sent once by one code, and said to be sent', async (t) => {
    const request = await sender.send('plain');
    const link = await connectTo(sender.running, 'approve/default');
    const { text } = await frontOf(link);
    link.close();
    t.match(text, /do +work:send_message, once/);
    t.match(text, /to\[0\] = "bob@example\.org"/);
    t.equal(servers.taken('plain'), 0, 'nothing before the code');
    await sender.approve(request);
    t.equal(await sender.outcome(request), 'ok');
    await until('the server says so', () => servers.taken('plain') === 1);
  });

  for (const program of PROGRAMS) {
    t.test(`${program} killed while the message waits: it is sent once when it is approved`, async (t) => {
      const request = await sender.send(`waiting ${program}`);
      await sender.kill(program);
      await sender.approve(request);
      t.equal(await sender.outcome(request), 'ok');
      await until('the server says so', () => servers.taken(`waiting ${program}`) === 1);
    });

    t.test(`${program} killed when the server has taken the message`, (t) => duringDelivery(t, sender, servers, program));

    t.test(`${program} killed at some moment after the code`, async (t) => {
      for (let round = 0; round < 2; round += 1) {
        const subject = `raced ${program} ${round}`;
        const request = await sender.send(subject);
        await sender.approve(request);
        for (let turn = 0; turn < round * 120; turn += 1) await new Promise((resolve) => setImmediate(resolve));
        await sender.kill(program);
        const code = await sender.outcome(request);
        t.ok(isTrue(code, servers.taken(subject)), `${code}, taken ${servers.taken(subject)} times`);
      }
    });
  }
};
