/** An instance in which single writes can be approved, and a service that counts what was delivered. */
import {
  addFixture,
  obtainLease,
  openSession,
  startDeliveries,
  startWithFixture,
  until,
  type AgentSession,
  type Deliveries,
  type Running,
} from '@airlock/testkit';
import type { AirlockError, CallResult } from '@airlock/protocol';

export interface ParkedWrites {
  readonly running: Running;
  readonly deliveries: Deliveries;
  agent: AgentSession;
  readonly lease: string;
  /** Sends the write. @returns APPROVAL_PENDING, or whatever it was refused with */
  deliver(text: string, lease?: string): Promise<AirlockError>;
  result(request: string): Promise<CallResult>;
  stop(): Promise<void>;
}

export const startParkedWrites = async (cells = 6): Promise<ParkedWrites> => {
  const deliveries = await startDeliveries();
  const running = await startWithFixture({ cells, yaml: 'permissions:\n  allow: [write]\n' });
  await addFixture(running, { port: deliveries.port });
  const agent = await openSession(running);
  const { lease } = await obtainLease(running, agent, ['fixture:write', 'fixture:read'], { ttlS: 7200 });
  const house: ParkedWrites = {
    ...{ running, deliveries, agent, lease },
    deliver: async (text, other = lease) => {
      const params = { lease: other, service: 'fixture', operation: 'deliver', params: { text } };
      try {
        await house.agent.call('call', params);
      } catch (thrown) {
        return thrown as AirlockError;
      }
      throw new Error('it ran without an approval');
    },
    result: (request) => house.agent.call<CallResult>('call.result', { request }),
    stop: async () => {
      house.agent.close();
      await running.stop();
      await deliveries.close();
    },
  };
  return house;
};

/** The code of what became of it once it is over; `ok` where it was done. */
export const endOf = (house: ParkedWrites, request: string): Promise<string> =>
  until('the outcome', async () => {
    const code = await house.result(request).then(
      () => 'ok',
      (thrown: unknown) => (thrown as AirlockError).code,
    );
    return code === 'APPROVAL_PENDING' ? null : code;
  });

/** A claim of success means once, a refusal means never, unknown means at most once. */
export const isTrue = (code: string, times: number): boolean => {
  if (code === 'ok') return times === 1;
  return code === 'OUTCOME_UNKNOWN' ? times <= 1 : times === 0;
};
