/** A mailbox of 200,000 messages in Dovecot: through the whole product, against a bare IMAP client that asks the same. */
import { connect, type Socket } from 'node:net';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  obtainLease,
  openSession,
  startDovecot,
  startTestInstance,
  type AgentSession,
  type DovecotServer,
} from '@airlock/testkit';
import { memoryOf } from './processes.js';

const MESSAGES = Number(process.env['AIRLOCK_BENCH_MESSAGES'] ?? 200_000);
/** Every such message is from the one sender that is searched for. */
const NEEDLE_EVERY = 1000;
const ROUNDS = 21;
const FIRST_ARRIVAL_S = 1_700_000_000;
const FIELDS = 'HEADER.FIELDS (FROM TO CC SUBJECT DATE REPLY-TO MESSAGE-ID)';
const ITEMS = `UID FLAGS INTERNALDATE RFC822.SIZE BODYSTRUCTURE BODY.PEEK[${FIELDS}]<0.16384>`;

const messageOf = (n: number): string =>
  [
    `From: ${n % NEEDLE_EVERY === 0 ? 'needle' : `sender${n % 977}`}@example.org`,
    'To: ada@example.org',
    `Subject: message ${n} of many`,
    `Message-ID: <${n}@example.org>`,
    `Date: ${new Date((FIRST_ARRIVAL_S + n) * 1000).toUTCString().replace('GMT', '+0000')}`,
    'Content-Type: text/plain; charset=utf-8',
    '',
    `Body of message ${n}.`,
    '',
  ].join('\r\n');

const fill = (maildir: string): void => {
  mkdirSync(join(maildir, 'cur'), { recursive: true });
  for (let n = 1; n <= MESSAGES; n += 1)
    writeFileSync(join(maildir, 'cur', `${FIRST_ARRIVAL_S + n}.${n}.bench:2,${n % 2 === 0 ? 'S' : ''}`), messageOf(n));
};

/** The least a client can be: one command out, everything until its tag in. */
class BareImap {
  readonly #socket: Socket;
  #text = '';
  #tag = 0;
  #done: ((text: string) => void) | null = null;

  constructor({ host, port }: DovecotServer) {
    this.#socket = connect(port, host);
    this.#socket.setEncoding('latin1').on('data', (text: string) => {
      this.#text += text;
      if (!new RegExp(`^a${this.#tag} (?:OK|NO|BAD)[^\\n]*\\n`, 'm').test(this.#text.slice(-4096))) return;
      this.#done?.(this.#text);
      this.#text = '';
    });
  }

  send(command: string): Promise<string> {
    this.#tag += 1;
    this.#socket.write(`a${this.#tag} ${command}\r\n`);
    return new Promise((resolve) => (this.#done = resolve));
  }

  close(): void {
    this.#socket.destroy();
  }
}

const expectCount = (name: string, found: number, wanted: number): void => {
  if (found !== wanted) throw new Error(`${name}: ${found} found, ${wanted} wanted`);
};

interface Task {
  readonly name: string;
  bare(imap: BareImap): Promise<void>;
  governed(call: (operation: string, params: object) => Promise<unknown>): Promise<void>;
}

const uidsOf = (answer: string): string[] => (/^\* SEARCH ([0-9 ]+)/m.exec(answer)?.[1] ?? '').trim().split(' ');

const bareSearch = async (imap: BareImap, question: string, hits: number): Promise<void> => {
  await imap.send('EXAMINE INBOX');
  const uids = uidsOf(await imap.send(`UID SEARCH ${question}`));
  expectCount(question, uids.length, hits);
  await imap.send(`UID FETCH ${uids.slice(-50).join(',')} (${ITEMS})`);
};

const search = (name: string, question: string, params: object, hits: number): Task => ({
  name,
  bare: (imap) => bareSearch(imap, question, hits),
  governed: async (call) => {
    const { total } = (await call('search', { ...params, limit: 50 })) as { total: number };
    expectCount(name, total, hits);
  },
});

const TASKS: readonly Task[] = [
  {
    name: 'newest50',
    bare: async (imap) => {
      await imap.send('EXAMINE INBOX');
      await imap.send(`FETCH ${MESSAGES - 49}:${MESSAGES} (${ITEMS})`);
    },
    governed: async (call) => {
      const { messages } = (await call('list_messages', { limit: 50 })) as { messages: readonly unknown[] };
      expectCount('newest 50', messages.length, 50);
    },
  },
  search('searchSender', 'FROM "needle@example.org"', { from: 'needle@example.org' }, Math.floor(MESSAGES / NEEDLE_EVERY)),
  search('searchUnread', 'UNSEEN', { unread: true }, MESSAGES / 2),
  {
    name: 'count',
    bare: async (imap) => void (await imap.send('STATUS INBOX (UNSEEN)')),
    governed: async (call) => {
      const { unread } = (await call('count_unread', {})) as { unread: number };
      expectCount('unread', unread, MESSAGES / 2);
    },
  },
];

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
const timed = async (work: () => Promise<void>): Promise<number> => {
  const start = performance.now();
  await work();
  return performance.now() - start;
};

const caller =
  (agent: AgentSession, lease: string) =>
  async (operation: string, params: object): Promise<unknown> =>
    (await agent.call<{ result: unknown }>('call', { lease, service: 'imap', operation, params })).result;

const measure = async (task: Task, bare: BareImap, call: ReturnType<typeof caller>): Promise<object> => {
  // Dovecot fills its cache at the first question of a kind; neither side pays for that.
  await task.bare(bare);
  await task.governed(call);
  const times = { bare: [] as number[], governed: [] as number[] };
  for (let n = 0; n < ROUNDS; n += 1) {
    times.bare.push(await timed(() => task.bare(bare)));
    times.governed.push(await timed(() => task.governed(call)));
  }
  const [bareMs, governedMs] = [median(times.bare), median(times.governed)];
  const round = (value: number): number => Math.round(value * 100) / 100;
  return { bareMs: round(bareMs), governedMs: round(governedMs), ratio: round(governedMs / bareMs) };
};

/** Needs Dovecot (apt-get install dovecot-imapd). `AIRLOCK_BENCH_MESSAGES` takes a smaller mailbox. */
export const run = async (): Promise<object> => {
  const server = await startDovecot(fill);
  const running = await startTestInstance({ realTime: true });
  try {
    const settings = ['host=127.0.0.1', `port=${server.port}`, 'security=none', `user=${server.user}`];
    const added = await running.command(
      'airlock-ctl',
      ['service', 'add', 'imap', '--no-test', '--stdin', ...settings.flatMap((one) => ['--set', one])],
      { stdin: `${server.password}\n${running.freshCode()}\n` },
    );
    if (added.status !== 0) throw new Error(added.stderr);
    const agent = await openSession(running);
    const { lease } = await obtainLease(running, agent, ['imap']);
    const bare = new BareImap(server);
    await bare.send(`LOGIN ${server.user} ${server.password}`);
    const call = caller(agent, lease);
    const results: Record<string, object> = {};
    for (const task of TASKS) results[task.name] = await measure(task, bare, call);
    const before = memoryOf(running).cell;
    for (let n = 0; n < 200; n += 1) await call('list_messages', { limit: 50 });
    const after = memoryOf(running).cell;
    bare.close();
    agent.close();
    return { messages: MESSAGES, ...results, reach: { newest50: { ratio: 1.5 } }, cellMb: { before, after200Lists: after } };
  } finally {
    await running.stop();
    await server.stop();
  }
};
