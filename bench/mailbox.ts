/** A mailbox of 20,000 messages in Dovecot, 200,000 with `--full`: through the whole product, against a bare IMAP client that asks the same. */
import { spawnSync } from 'node:child_process';
import type { EventEmitter } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import Imap from 'node-imap';
import {
  obtainLease,
  openSession,
  startDovecot,
  startTestInstance,
  type AgentSession,
  type DovecotServer,
} from '@airlock/testkit';
import { memoryOf } from './processes.js';

const MESSAGES = Number(process.env['AIRLOCK_BENCH_MESSAGES'] ?? 20_000);
/** Every such message is from the one sender that is searched for. */
const NEEDLE_EVERY = 1000;
const ROUNDS = 5;
/** Calls between two looks at the memory of the cell. */
const MEMORY_LISTS = 40;
const FIRST_ARRIVAL_S = 1_700_000_000;
const FIELDS = 'HEADER.FIELDS (FROM TO CC SUBJECT DATE REPLY-TO MESSAGE-ID)';
const TIMEOUTS = { connTimeout: 10_000, authTimeout: 10_000 };
/** As servers of large mailboxes are set up; otherwise each search reads 200,000 files, whoever asks. */
const CACHE =
  'mail_always_cache_fields = hdr.from hdr.to hdr.cc hdr.subject hdr.date hdr.reply-to hdr.message-id imap.bodystructure date.received size.virtual';

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

const loggedIn = ({ host, port, user, password }: DovecotServer): Promise<Imap> => {
  const imap = new Imap({ user, password, host, port, tls: false, autotls: 'never', keepalive: false, ...TIMEOUTS });
  return new Promise((resolve, reject) => {
    imap.once('ready', () => resolve(imap));
    imap.once('error', reject);
    imap.connect();
  });
};

/** A client without Airlock: the same library, asked for the same, parsing what it gets. */
class BareImap {
  readonly #imap: Imap;
  /** node-imap asks for the status of a folder only where it is not open. */
  readonly #outside: Imap;

  private constructor(imap: Imap, outside: Imap) {
    this.#imap = imap;
    this.#outside = outside;
  }

  static async open(server: DovecotServer): Promise<BareImap> {
    return new BareImap(await loggedIn(server), await loggedIn(server));
  }

  examine(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#imap.openBox('INBOX', true, (error) => (error ? reject(error) : resolve()));
    });
  }

  search(criteria: readonly Imap.Criterion[]): Promise<readonly number[]> {
    return new Promise((resolve, reject) => {
      this.#imap.search(criteria, (error, uids) => (error ? reject(error) : resolve(uids as number[])));
    });
  }

  unseen(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#outside.status('INBOX', (error, status) => (error ? reject(error) : resolve(status?.messages.unseen ?? 0)));
    });
  }

  /** @returns how many messages came, with all they were asked for */
  fetch(which: string | readonly number[]): Promise<number> {
    const options = { bodies: FIELDS, struct: true, size: true };
    const fetching = typeof which === 'string' ? this.#imap.seq.fetch(which, options) : this.#imap.fetch(which, options);
    let count = 0;
    fetching.on('message', (message: EventEmitter) => {
      message.on('body', (body: Readable) => {
        let text = '';
        body.setEncoding('utf8').on('data', (piece: string) => (text += piece));
        body.once('end', () => (count += Imap.parseHeader(text)['subject'] === undefined ? 0 : 1));
      });
    });
    return new Promise((resolve, reject) => {
      fetching.once('error', reject);
      fetching.once('end', () => resolve(count));
    });
  }

  close(): void {
    this.#imap.end();
    this.#outside.end();
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

const bareSearch = async (imap: BareImap, criterion: Imap.Criterion, hits: number): Promise<void> => {
  await imap.examine();
  const uids = await imap.search([criterion]);
  expectCount(String(criterion), uids.length, hits);
  expectCount('newest hits', await imap.fetch([...uids].sort((a, b) => b - a).slice(0, 50)), Math.min(50, hits));
};

const search = (name: string, question: Imap.Criterion, params: object, hits: number): Task => ({
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
      await imap.examine();
      expectCount('newest 50', await imap.fetch(`${MESSAGES - 49}:${MESSAGES}`), 50);
    },
    governed: async (call) => {
      const { messages } = (await call('list_messages', { limit: 50 })) as { messages: readonly unknown[] };
      expectCount('newest 50', messages.length, 50);
    },
  },
  search('searchSender', ['FROM', 'needle@example.org'], { from: 'needle@example.org' }, Math.floor(MESSAGES / NEEDLE_EVERY)),
  search('searchUnread', 'UNSEEN', { unread: true }, MESSAGES / 2),
  {
    name: 'count',
    bare: async (imap) => expectCount('unread', await imap.unseen(), MESSAGES / 2),
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

/** As a server does while mail comes in: every message is read once, and what lists and searches need of it is kept. */
const index = ({ directory, user }: DovecotServer): void => {
  const { status, stderr } = spawnSync('doveadm', ['-c', join(directory, 'dovecot.conf'), 'index', '-u', user, 'INBOX'], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`doveadm index: ${stderr}`);
};

/** Needs Dovecot (apt-get install dovecot-imapd). 20,000 messages; `--full` and `AIRLOCK_BENCH_MESSAGES` take another number. */
export const run = async (): Promise<object> => {
  const server = await startDovecot(fill, 'correct-horse', CACHE);
  index(server);
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
    const bare = await BareImap.open(server);
    const call = caller(agent, lease);
    const results: Record<string, object> = {};
    for (const task of TASKS) results[task.name] = await measure(task, bare, call);
    const before = memoryOf(running).cell;
    for (let n = 0; n < MEMORY_LISTS; n += 1) await call('list_messages', { limit: 50 });
    const after = memoryOf(running).cell;
    bare.close();
    agent.close();
    const cellMb = { before, afterManyLists: after, ratio: Math.round((after / before) * 100) / 100 };
    return { messages: MESSAGES, ...results, reach: { newest50: { ratio: 1.5 } }, cellMb };
  } finally {
    await running.stop();
    await server.stop();
  }
};
