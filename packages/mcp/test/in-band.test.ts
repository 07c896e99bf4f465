/** Approval within the call, with the official client at 2026-07-28. MCP-11, MCP-12. */
import { NOTES, GMAIL } from '@airlock/client/test/fake-gateway';
import { AirlockError } from '@airlock/protocol';
import t from 'tap';
import { open, type OpenOptions, type Rig } from './stdio.js';

const ASK = { scopes: ['gmail:read'], reason: 'find the invoice' };
const MODERN = { revision: '2026-07-28', mode: 'ask' } as const;

/** A rig whose human approves while the form is open, or does what the test says. */
const withHuman = async (
  test: Parameters<typeof open>[0],
  human: (rig: Rig, form: { message: string; requestedSchema: object }) => object,
  options: OpenOptions = {},
): Promise<Rig> => {
  const box: { rig?: Rig } = {};
  const rig = await open(test, {
    ...MODERN,
    ...options,
    onForm: ({ params }) => human(box.rig as Rig, params as { message: string; requestedSchema: object }) as never,
  });
  box.rig = rig;
  return rig;
};
const requestIn = (message: string): string => /request (r-\d+)/.exec(message)?.[1] ?? '';

t.test('MCP-11 the human reads the match number, approves, goes on: the call answers with what was granted', async (test) => {
  const forms: { message: string; requestedSchema: object }[] = [];
  const rig = await withHuman(test, ({ gateway }, form) => {
    forms.push(form);
    gateway.decide(requestIn(form.message), 'approved');
    return { action: 'accept' };
  });
  const granted = await rig.tool('airlock_request_access', ASK);
  test.match(granted.structured, { status: 'approved', scopes: ['gmail:read'] });
  test.match(forms, [
    { message: /match number 07.*airlock-ctl approve.*no code belongs here/, requestedSchema: { properties: {} } },
  ]);
  test.notOk('required' in (forms[0]?.requestedSchema ?? {}));
  test.equal(rig.gateway.calls('access.request').length, 1, 'the ask itself was sent once');
  test.match((await rig.tool('airlock_count_unread')).structured, { result: { unread: 3 } });
  test.notMatch(JSON.stringify([granted, forms]), /al1\./, 'MCP-3');
});

t.test('an operation with an approval of its own: one call, one run, its outcome', async (test) => {
  let runs = 0;
  const rig = await withHuman(test, () => ({ action: 'accept' }), { services: [GMAIL, NOTES] });
  const { gateway, tool } = rig;
  gateway.answers.set('call', () => {
    runs += 1;
    throw new AirlockError('APPROVAL_PENDING', 'the human has to approve this: request r-0099, match number 12', {
      request: 'r-0099',
    });
  });
  let looks = 0;
  gateway.answers.set('access.wait', () => ({ status: (looks += 1) > 1 ? 'approved' : 'pending' }));
  gateway.answers.set('call.result', () => ({ result: { id: 'n-1' }, meta: { audit: 3 } }));
  const lease = gateway.lease(['notes:write']);
  const done = await tool('airlock_notes_add_note', { _capability: lease });
  test.match(done.structured, { service: 'notes', operation: 'add_note', untrusted: true, result: { id: 'n-1' } });
  test.equal(runs, 1);
  test.notMatch(JSON.stringify(done), /al1\./);
});

t.test('declined, denied, without forms, or at 2025-11-25: the answer that everybody gets', async (test) => {
  const declined = await withHuman(test, () => ({ action: 'decline' }));
  test.match((await declined.tool('airlock_request_access', ASK)).structured, {
    status: 'pending',
    match: '07',
    next: { tool: 'airlock_wait' },
  });
  const denied = await withHuman(test, ({ gateway }, { message }) => {
    gateway.decide(requestIn(message), 'denied');
    return { action: 'accept' };
  });
  test.match((await denied.tool('airlock_request_access', ASK)).structured, { error: { code: 'APPROVAL_DENIED' } });
  const formless = await open(test, MODERN);
  test.match((await formless.tool('airlock_request_access', ASK)).structured, { status: 'pending' });
  let asked = 0;
  const old = await open(test, { mode: 'ask', onForm: () => ({ action: 'accept', content: { asked: (asked += 1) } }) });
  test.match((await old.tool('airlock_request_access', ASK)).structured, { status: 'pending' });
  test.equal(asked, 0);
});

t.test('MCP-11 a code in the answer of the form is refused, recorded, and goes nowhere', async (test) => {
  for (const content of [{ code: '123456' }, { note: '123 456' }, { x: 'the code is 123456' }]) {
    const rig = await withHuman(test, () => ({ action: 'accept', content }));
    const answer = await rig.tool('airlock_request_access', ASK);
    test.match(answer.structured, { error: { code: 'CODE_ON_AGENT_SOCKET' } });
    test.notMatch(JSON.stringify(answer), /12345|123 456/);
    test.same(rig.gateway.calls('code'), [{}]);
    test.notMatch(JSON.stringify(rig.gateway.log), /12345|123 456/);
  }
});

t.test('MCP-12 a state serves its own call once: not another one, not twice, not made up', async (test) => {
  const rig = await open(test, { ...MODERN, onForm: () => ({ action: 'accept' }) });
  const call = (name: string, args: object, more: object = {}): Promise<Record<string, unknown>> =>
    rig.client.request(
      { method: 'tools/call', params: { name, arguments: args, ...more } } as never,
      {
        allowInputRequired: true,
      } as never,
    );
  const first = await call('airlock_request_access', ASK);
  test.match(first, {
    resultType: 'input_required',
    requestState: /^airlock-/,
    inputRequests: { human: { method: 'elicitation/create' } },
  });
  const again = { requestState: first['requestState'], inputResponses: { human: { action: 'decline' } } };
  const refused = { structuredContent: { error: { code: 'PARAMS_INVALID', field: 'requestState' } } };
  test.match(await call('airlock_request_access', { ...ASK, reason: 'another' }, again), refused);
  test.match(await call('airlock_request_access', ASK, again), refused, 'and is spent by the try');
  const second = await call('airlock_request_access', ASK);
  const ours = { ...again, requestState: second['requestState'] };
  test.match(await call('airlock_request_access', ASK, ours), { structuredContent: { status: 'pending' } }, 'negative control');
  test.match(await call('airlock_request_access', ASK, ours), refused);
  test.match(await call('airlock_status', {}, { requestState: 'airlock-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' }), refused);
  test.equal(rig.gateway.calls('access.request').length, 2);
});
