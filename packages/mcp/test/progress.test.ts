/** `airlock_wait` tells progress between its looks at the gateway, and ends in time. */
import { fakeGateway } from '@airlock/client/test/fake-gateway';
import { accessRequest } from '@airlock/client';
import { systemTimers, type Timers } from '@airlock/protocol';
import type { ServerContext } from '@modelcontextprotocol/server';
import t, { type Test } from 'tap';
import { Broker } from '../src/index.js';
import { waitTool } from '../src/tools/wait.js';

interface Rig {
  readonly broker: Broker;
  readonly request: string;
  readonly progress: unknown[];
  readonly context: ServerContext;
  readonly controller: AbortController;
  /** What access.wait answers from the poll of this number on. */
  readonly decideAt: (poll: number) => void;
  readonly polls: () => number;
}

const open = async (test: Test): Promise<Rig> => {
  const gateway = await fakeGateway({ mode: 'ask' });
  let isFast = false;
  // Once connected, pauses of the tool pass at once; timeouts of the connection are far longer.
  const after: Timers['after'] = (ms, fn) => {
    if (!isFast || ms > 5000) return systemTimers.after(ms, fn);
    const immediate = setImmediate(fn);
    return { cancel: () => clearImmediate(immediate) };
  };
  const broker = new Broker({ env: gateway.env, client: 'test', timers: { after, nowMs: () => 0 } });
  const { session } = await broker.open();
  const asked = await accessRequest(session, { scopes: ['gmail:read'], reason: 'x' });
  broker.remember({ ...asked, scopes: ['gmail:read'] });
  isFast = true;
  let last = Infinity;
  gateway.answers.set('access.wait', () => {
    const isDue = gateway.calls('access.wait').length >= last;
    return isDue
      ? { status: 'approved', lease: gateway.lease(['gmail:read']), expiresAt: '2030-01-01T00:00:00.000Z' }
      : { status: 'pending' };
  });
  const progress: unknown[] = [];
  const controller = new AbortController();
  const mcpReq = {
    signal: controller.signal,
    _meta: { progressToken: 'p1' },
    notify: async ({ params }: { params: { progress: number } }): Promise<void> => void progress.push(params.progress),
  };
  test.teardown(async () => {
    await broker.close();
    await gateway.remove();
  });
  const context = { mcpReq } as unknown as ServerContext;
  const decideAt = (poll: number): void => void (last = poll);
  return {
    broker,
    request: asked.request,
    progress,
    context,
    controller,
    decideAt,
    polls: () => gateway.calls('access.wait').length,
  };
};

t.test('progress is told while the human thinks', async (test) => {
  const { broker, request, progress, context, decideAt } = await open(test);
  decideAt(3);
  const { structuredContent } = await waitTool.run(broker, { request }, context);
  test.match(structuredContent, { status: 'approved' });
  test.same(progress, [5, 10]);
});

t.test('undecided after 50 s: ten looks, then an answer', async (test) => {
  const { broker, request, context, polls } = await open(test);
  const { structuredContent } = await waitTool.run(broker, { request }, context);
  test.match(structuredContent, { request, status: 'pending', next: { tool: 'airlock_wait', arguments: { request } } });
  test.equal(polls(), 10);
});

t.test('a client that cancels ends the waiting', async (test) => {
  const { broker, request, context, controller, polls } = await open(test);
  controller.abort();
  await waitTool.run(broker, { request }, context);
  test.equal(polls(), 1);
});
