/** An instance with an account that may write, each time with a code of its own. */
import {
  obtainLease,
  openSession,
  startImapDouble,
  startWithFixture,
  until,
  untilServing,
  type AgentSession,
  type ImapDouble,
  type Running,
} from '@airlock/testkit';
import type { AirlockError, CallResult } from '@airlock/protocol';
import { approveShown, connectTo, frontOf } from './house.js';

export interface WriteHouse {
  readonly running: Running;
  agent: AgentSession;
  /** Asks for a write. @returns what the call was answered with: APPROVAL_PENDING, or a refusal */
  readonly ask: (params: object, operation: string) => Promise<AirlockError>;
  /** Approves a request that waits, as soon as it is in front. */
  approve(request: string): Promise<void>;
  /** What became of it: `ok`, or the error. */
  end(request: string): Promise<'ok' | AirlockError>;
  /** Asks for it, approves it and waits for what becomes of it. */
  readonly write: (params: object, operation: string) => Promise<'ok' | AirlockError>;
  /** As a client does that was cut off: the same session on a new connection. */
  again(): Promise<void>;
  readonly stop: () => Promise<void>;
}

/** The same with a mail account; what is written is a message to be sent, unless it is said otherwise. */
export interface MailHouse extends WriteHouse {
  readonly imap: ImapDouble;
  readonly ask: (params: object, operation?: string) => Promise<AirlockError>;
  readonly write: (params: object, operation?: string) => Promise<'ok' | AirlockError>;
}

const DRAFTS = '* LIST (\\HasNoChildren) "/" "INBOX"\r\n* LIST (\\HasNoChildren \\Drafts) "/" "Drafts"\r\n';

const startImap = (): Promise<ImapDouble> =>
  startImapDouble({
    answer: ({ verb, tag, line }, socket) => {
      if (verb !== 'LIST' || line === 'LIST "" ""') return false;
      socket.write(`${DRAFTS}${tag} OK done\r\n`);
      return true;
    },
  });

interface Account {
  readonly kind: string;
  readonly settings: Readonly<Record<string, string | number>>;
}

const addAccount = async (running: Running, { kind, settings }: Account): Promise<void> => {
  const set = Object.entries(settings).flatMap(([key, value]) => ['--set', `${key}=${value}`]);
  const result = await running.command(
    'airlock-ctl',
    ['service', 'add', kind, '--name', 'account', ...set, '--stdin', '--json'],
    {
      stdin: `correct-horse\n${running.freshCode()}\n`,
    },
  );
  if (result.status !== 0) throw new Error(`service add: ${result.stdout}${result.stderr}`);
};

const approve = async (running: Running, request: string): Promise<void> => {
  const link = await connectTo(running, 'approve/default');
  try {
    await until('it is in front', async () => (await frontOf(link)).id === request);
    await approveShown(running, link);
  } finally {
    link.close();
  }
};

const outcome = (agent: AgentSession, request: string): Promise<'ok' | AirlockError | null> =>
  agent.call<CallResult>('call.result', { request }).then(
    () => 'ok' as const,
    (thrown: unknown) => ((thrown as AirlockError).code === 'APPROVAL_PENDING' ? null : (thrown as AirlockError)),
  );

/** An account of a kind, with the password `correct-horse`. */
export const startWriteHouse = async (account: Account): Promise<WriteHouse> => {
  const running = await startWithFixture({ cells: 6, yaml: 'permissions:\n  allow: [write]\n' });
  await addAccount(running, account);
  const agent = await openSession(running);
  const { lease } = await obtainLease(running, agent, ['account:write'], { ttlS: 28_800 });
  const house: WriteHouse = {
    ...{ running, agent },
    ask: (params, operation) =>
      house.agent.call('call', { lease, service: 'account', operation, params }).then(
        () => {
          throw new Error('it ran without an approval');
        },
        (thrown: unknown) => thrown as AirlockError,
      ),
    approve: (request) => approve(running, request),
    end: (request) => until('its end', () => outcome(house.agent, request)),
    write: async (params, operation) => {
      const pending = await house.ask(params, operation);
      if (pending.code !== 'APPROVAL_PENDING') return pending;
      await house.approve(pending.data.request ?? '');
      return house.end(pending.data.request ?? '');
    },
    again: async () => {
      const { resume } = house.agent.hello;
      house.agent.close();
      await untilServing(running);
      house.agent = await openSession(running, { resume });
    },
    stop: async () => {
      house.agent.close();
      await running.stop();
    },
  };
  return house;
};

/** User `ada` at a submission server on this machine, which the test brings. */
export const startMailHouse = async (smtpPort: number): Promise<MailHouse> => {
  const imap = await startImap();
  const settings = {
    ...{ host: '127.0.0.1', port: imap.port, security: 'none', user: 'ada', from: 'ada@example.org' },
    ...{ smtpHost: '127.0.0.1', smtpPort, smtpSecurity: 'none' },
  };
  const house = await startWriteHouse({ kind: 'imap', settings });
  const { ask, write, stop } = house;
  return Object.assign(house, {
    imap,
    ask: (params: object, operation = 'send_message') => ask(params, operation),
    write: (params: object, operation = 'send_message') => write(params, operation),
    stop: async () => {
      await stop();
      await imap.stop();
    },
  });
};
