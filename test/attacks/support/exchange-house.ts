/** A house with the fixture service, whose `talk` does what a script says, and agents that hear it. */
import {
  addFixture,
  obtainLease,
  openSession,
  startWithFixture,
  until,
  type AgentSession,
  type Configured,
} from '@airlock/testkit';
import { AirlockError, type CallResult, type ExchangeEvent } from '@airlock/protocol';

/** Frees the scripted write from a code of its own, so that it runs in the lease's own cell. */
const FREES = {
  ...{ id: 'frees', name: 'Frees', description: 'a write without a code', status: 'active', blocked_commands: [] },
  rules: [{ id: 'talk', decision: 'allow', operations: ['talk_write'] }],
};
export const MCP = { revision: '2025-11-25', progress: true } as const;

export interface Heard {
  readonly channel: string;
  readonly event: ExchangeEvent;
}

export interface Talker {
  readonly session: AgentSession;
  readonly lease: string;
  readonly heard: Heard[];
  readonly notes: { readonly method: string; readonly params: object }[];
  /** A call of `talk`, or of another operation with a script, under a channel. */
  readonly talk: (
    script: readonly object[],
    choice?: { readonly channel?: string; readonly operation?: string },
  ) => Promise<CallResult>;
  /** The question that came next. */
  readonly asked: (count?: number) => Promise<Extract<ExchangeEvent, { ask: string }>>;
}

export const TOKEN = 'fixture-token-secret-77';

export const startExchangeHouse = async (port?: number): Promise<Configured> => {
  const running = await startWithFixture({
    cells: 6,
    yaml: 'permissions: {allow: [write]}\npolicies: {default: [frees]}\n',
    policies: { 'frees.json': JSON.stringify(FREES) },
  });
  await addFixture(running, { token: TOKEN, ...(port === undefined ? {} : { port }) });
  return running;
};

/** An agent with a lease on everything the fixture does. */
export const startTalker = async (running: Configured, scopes: readonly string[] = ['fixture:read']): Promise<Talker> => {
  const notes: Talker['notes'] = [];
  const heard: Heard[] = [];
  const onNotify = (method: string, params: object): void => {
    notes.push({ method, params });
    if (method === 'call.event') heard.push(params as Heard);
  };
  const session = await openSession(running, { onNotify });
  const { lease } = await obtainLease(running, session, scopes);
  const talk: Talker['talk'] = (script, { channel = 'talk', operation = 'talk' } = {}) => {
    const context = { channel, mcp: MCP };
    const answer = session.call<CallResult>('call', { lease, service: 'fixture', operation, params: { script }, context });
    answer.catch(() => undefined);
    return answer;
  };
  const asked: Talker['asked'] = async (count = 1) => {
    const asks = (): ExchangeEvent[] => heard.map(({ event }) => event).filter((event) => 'ask' in event);
    await until('a question', () => asks().length >= count);
    return asks()[count - 1] as Extract<ExchangeEvent, { ask: string }>;
  };
  return { session, lease, heard, notes, talk, asked };
};

/** Code of the error, or `ok`. */
export const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'ok',
    (thrown: unknown) => (thrown instanceof AirlockError ? thrown.code : String(thrown)),
  );
