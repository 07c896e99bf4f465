/** What an agent and an operator do with each other, through the installed commands. */
import { AGENT, airlock, ctl, type Answer, type CommandOptions, OPERATOR, wait } from './machine.js';
import { frontLeft, nextCode } from './phone.js';

interface Front {
  readonly id: string;
  readonly match: string;
  readonly role: string;
  readonly scopes: readonly string[];
}

export const front = async (): Promise<Front | null> => ((await ctl(['pending'])).value['front'] ?? null) as Front | null;

const untilFront = async (): Promise<Front> => {
  for (let attempt = 0; attempt < 60; attempt += 1) {
    const found = await front();
    if (found) return found;
    await wait(250);
  }
  throw new Error('no request came to the front');
};

export const approve = async (code?: string): Promise<Answer> => {
  const { id, match } = await untilFront();
  return ctl(['approve', code ?? (await nextCode()), '--request', id, '--match', match], { user: OPERATOR });
};

export const denyFront = async (reason = 'no'): Promise<Answer> => {
  await untilFront();
  const answer = await ctl(['deny', '--reason', reason]);
  frontLeft();
  return answer;
};

export interface Granted {
  readonly asked: Answer;
  readonly approved: Answer;
}

/** An agent asks and waits; the operator approves what is in front. */
export const obtain = async (
  scopes: readonly string[],
  ttlMinutes: number,
  agent: CommandOptions = { user: AGENT },
): Promise<Granted> => {
  const waiting = airlock(['request', ...scopes, '--reason', 'the system test', '--ttl', String(ttlMinutes), '--wait'], {
    ...agent,
    timeoutMs: 120_000,
  });
  const approved = await approve();
  return { asked: await waiting, approved };
};

/** One operation under the lease that the agent's store keeps, or under `lease`. */
export const call = (
  operation: string,
  params: object = {},
  options: CommandOptions & { lease?: string; service?: string } = {},
): Promise<Answer> => {
  const { lease, service = 'mail', ...rest } = options;
  const given = lease === undefined ? {} : { env: { ...rest.env, AIRLOCK_LEASE: lease } };
  return airlock(['call', service, operation, '-p', JSON.stringify(params)], { ...rest, ...given });
};
