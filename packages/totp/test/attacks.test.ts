/** Attacks on the queue and the tickets, over real sockets. */
import t from 'tap';
import { Chain, parseSignedHead } from '@airlock/audit';
import type { ApproveStatus } from '@airlock/protocol';
import {
  approveFront,
  askFor,
  call,
  codeNow,
  front,
  greet,
  openHouse,
  refusal,
  type House,
  type Link,
} from './support/daemon.js';

interface Open {
  readonly house: House;
  readonly bridge: Link;
  readonly approve: Link;
}

const open = async (t: { teardown(run: () => Promise<void>): void }): Promise<Open> => {
  const house = await openHouse();
  t.teardown(() => house.end());
  const bridge = await house.connect('bridge');
  await greet(bridge);
  return { house, bridge, approve: await house.connect('approve/default') };
};

t.test('50 parallel submits of one code approve once (QUEUE-4)', async (t) => {
  const { house, bridge, approve } = await open(t);
  await askFor(bridge);
  await askFor(bridge, { session: 's-other' });
  const shown = await front(approve);
  const others = await Promise.all(Array.from({ length: 4 }, () => house.connect('approve/default')));
  const params = { request: shown.id, digest: shown.digest, match: shown.match, code: codeNow(house) };
  const links = [approve, ...others];
  const outcomes = await Promise.all(
    Array.from({ length: 50 }, (_, n) => refusal(call(links[n % 5] as Link, 'request.approve', params))),
  );
  t.equal(outcomes.filter((outcome) => outcome === 'none').length, 1);
  t.equal((await call<ApproveStatus>(approve, 'status')).leases, 1);
  t.equal((await call<ApproveStatus>(approve, 'status')).queue, 1);
});

t.test('brute force ends at ten failures, over restarts, and root clears it (QUEUE-9)', async (t) => {
  const { house, bridge, approve } = await open(t);
  await askFor(bridge);
  const shown = await front(approve);
  const wrong = { request: shown.id, digest: shown.digest, code: codeNow(house, -5) };
  for (let n = 0; n < 6; n += 1) t.equal(await refusal(call(approve, 'request.approve', wrong)), 'CODE_REJECTED');
  await house.restart();
  const after = await house.connect('approve/default');
  for (let n = 0; n < 3; n += 1) t.equal(await refusal(call(after, 'request.approve', wrong)), 'CODE_REJECTED');
  t.equal(await refusal(call(after, 'request.approve', wrong)), 'CODE_LOCKED_OUT');
  const right = { ...wrong, code: codeNow(house) };
  t.equal(await refusal(call(after, 'request.approve', right)), 'CODE_LOCKED_OUT', 'a right code is not looked at');
  t.match(await call(after, 'status'), {
    lockout: { terminal: { locked: true, triesLeft: 0 }, relay: { locked: false, triesLeft: 10 } },
  });
  const root = await house.connect('root');
  await call(root, 'lockout.clear', { operator: 'default', channel: 'terminal' });
  t.equal(await refusal(call(after, 'request.approve', right)), 'none');
});

t.test('wrong, reused, late and below the floor are one answer (QUEUE-9, ERR-2)', async (t) => {
  const { house, bridge, approve } = await open(t);
  await askFor(bridge);
  await approveFront(house, approve);
  await askFor(bridge, { session: 's-two' });
  const shown = await front(approve);
  const messages = new Set<string>();
  for (const code of ['000000', codeNow(house), codeNow(house, -1), codeNow(house, -2)]) {
    await call(approve, 'request.approve', { request: shown.id, digest: shown.digest, match: shown.match, code }).catch(
      (error: unknown) => {
        const { message, data } = error as { message: string; data: { hint: string; code: string } };
        messages.add(`${data.code} ${message} ${data.hint.replace(/\d+ tries/, 'N tries')}`);
      },
    );
  }
  t.equal(messages.size, 1, [...messages].join('\n'));
  t.match([...messages][0], /mistyped, already used or too old; next code in \d+ s; N tries left; check the phone's clock/);
});

t.test('a digest that differs burns nothing; a code for what is not in front is burnt (QUEUE-2, QUEUE-3)', async (t) => {
  const { house, bridge, approve } = await open(t);
  const first = await askFor(bridge);
  const second = await askFor(bridge, { session: 's-two' });
  const shown = await front(approve);
  t.equal(shown.id, first.request, 'QUEUE-1');
  t.equal(shown.needsMatch, true, 'QUEUE-6');
  const code = codeNow(house);
  t.equal(
    await refusal(call(approve, 'request.approve', { request: shown.id, digest: '0'.repeat(64), match: shown.match, code })),
    'PARAMS_INVALID',
  );
  t.equal(
    await refusal(call(approve, 'request.approve', { request: shown.id, digest: shown.digest, code })),
    'PARAMS_INVALID',
    'no match number',
  );
  const other = shown.match === '11' ? '12' : '11';
  t.equal(
    await refusal(call(approve, 'request.approve', { request: shown.id, digest: shown.digest, match: other, code })),
    'PARAMS_INVALID',
  );
  t.match(await call(approve, 'status'), { lockout: { terminal: { triesLeft: 10 } } }, 'nothing was counted');
  const { waiting } = await call<{ waiting: readonly { id: string; digest: string }[] }>(approve, 'pending');
  t.equal(waiting[0]?.id, second.request);
  t.equal(
    await refusal(call(approve, 'request.approve', { request: second.request, digest: waiting[0]?.digest, code })),
    'PARAMS_INVALID',
  );
  t.equal(
    await refusal(call(approve, 'request.approve', { request: shown.id, digest: shown.digest, match: shown.match, code })),
    'CODE_REJECTED',
    'burnt',
  );
});

t.test('a code read for A does not approve B after a swap (QUEUE-5)', async (t) => {
  const { house, bridge, approve } = await open(t);
  await askFor(bridge);
  const code = codeNow(house);
  await call(approve, 'request.deny');
  house.clock.pass(20_000);
  await askFor(bridge, { role: 'operator', session: 's-op' });
  const shown = await front(approve);
  t.ok(shown.waitS > 0);
  t.equal(
    await refusal(call(approve, 'request.approve', { request: shown.id, digest: shown.digest, match: shown.match, code })),
    'CODE_REJECTED',
  );
  house.clock.pass(shown.waitS * 1000);
  t.equal(
    await refusal(
      call(approve, 'request.approve', { request: shown.id, digest: shown.digest, match: shown.match, code: codeNow(house) }),
    ),
    'none',
  );
});

t.test('agents flood, merge and cool off; the operator goes next (QUEUE-7, QUEUE-8)', async (t) => {
  const { house, bridge, approve } = await open(t);
  const first = await askFor(bridge);
  t.match(await askFor(bridge), { request: first.request, merged: true, position: 0 });
  for (let n = 0; n < 2; n += 1) await askFor(bridge, { session: `s-flood${n}` });
  t.equal(await refusal(askFor(bridge, { session: 's-flood9' })), 'RATE_LIMITED');
  t.equal(
    (await call<{ position: number }>(approve, 'action.open', { verb: 'unlock', params: {} })).position,
    1,
    'next, and not in front',
  );
  t.same((await call<{ denied: string[] }>(approve, 'request.deny', { request: first.request })).denied, [first.request]);
  t.equal(await refusal(askFor(bridge, { session: 's-again' })), 'RATE_LIMITED', 'cool-off');
  house.clock.pass(5000);
  t.equal(await refusal(askFor(bridge, { session: 's-again' })), 'none');
  t.equal(await refusal(askFor(bridge, { role: 'foreign' })), 'PARAMS_INVALID');
  t.equal(
    await refusal(
      askFor(bridge, { role: 'operator', session: 's-long', reason: '\u202e'.repeat(140), intent: '\u202e'.repeat(2000) }),
    ),
    'PARAMS_INVALID',
    'never cut',
  );
  await call(approve, 'lock');
  t.equal(await refusal(askFor(bridge, { session: 's-locked' })), 'LOCKED');
});

t.test('tickets belong to a connection, a verb and 120 s (QUEUE-11)', async (t) => {
  const { house, bridge, approve } = await open(t);
  const other = await house.connect('approve/default');
  const redeem = (ticket: string | undefined, verb = 'service.remove'): Promise<string> =>
    refusal(call(bridge, 'action.redeem', { ticket, operator: 'default', verb }));
  const remove = { verb: 'service.remove', params: { service: 'gmail' } };
  const opened = await call<{ request: { id: string } }>(approve, 'action.open', remove);
  t.equal((await approveFront(house, other)).ticket, undefined, 'another terminal approves and gets no ticket');
  t.equal((await call<{ ticket?: string }>(other, 'action.wait', { request: opened.request.id, timeoutS: 0 })).ticket, undefined);
  const { ticket } = await call<{ ticket: string }>(approve, 'action.wait', { request: opened.request.id, timeoutS: 0 });
  t.equal(
    (await call<{ ticket?: string }>(approve, 'action.wait', { request: opened.request.id, timeoutS: 0 })).ticket,
    undefined,
    'once',
  );
  t.equal(await redeem(ticket), 'none');
  t.equal(await redeem(ticket), 'NOT_AUTHENTICATED', 'each right once');
  await call(approve, 'action.open', remove);
  const wrongVerb = (await approveFront(house, approve)).ticket;
  t.equal(await redeem(wrongVerb, 'credentials.remove'), 'NOT_AUTHENTICATED');
  await call(approve, 'action.open', remove);
  const late = (await approveFront(house, approve)).ticket;
  house.clock.pass(120_000);
  t.equal(await redeem(late), 'NOT_AUTHENTICATED', 'over');
  await call(other, 'action.open', remove);
  const gone = (await approveFront(house, other)).ticket;
  other.close();
  await call(approve, 'status');
  t.equal(await redeem(gone), 'NOT_AUTHENTICATED', 'the end of the connection ends it');
  await call(approve, 'action.open', { verb: 'credentials.get', params: { service: 'gmail', fields: [] } });
  const third = await house.connect('approve/default');
  t.equal(await refusal(approveFront(house, third)), 'POLICY_DENIED', 'RELEASE-10: credentials.get: only where it was asked for');
  t.equal(await refusal(approveFront(house, approve)), 'none');
});

t.test('lock freezes, unlock needs a code, and leases work again (QUEUE-12)', async (t) => {
  const { house, bridge, approve } = await open(t);
  await askFor(bridge);
  const { lease } = await approveFront(house, approve);
  const ticket = (): Promise<string> => refusal(call(bridge, 'ticket.create', { lease: lease?.id, service: 'gmail' }));
  t.equal(await ticket(), 'none');
  await call(approve, 'lock');
  t.equal(await ticket(), 'LOCKED');
  await call(approve, 'action.open', { verb: 'unlock', params: {} });
  await approveFront(house, approve);
  t.equal(await ticket(), 'none');
  t.match(await call(approve, 'status'), { locked: false, leases: 1 });
});

t.test('a shorter or gapped history of the gateway is not signed, and locks (BRIDGE-5)', async (t) => {
  const { bridge, approve } = await open(t);
  const digests = ['a', 'b', 'c'].map((letter) => letter.repeat(64));
  const { head } = await call<{ head: string }>(bridge, 'head.sign', { size: 3, digests });
  t.match(head, /^airlock-gateway\n3\n/);
  t.equal((await call<{ head: string }>(bridge, 'head.sign', { size: 3, digests: [] })).head, head, 'nothing new, the same head');
  const { hash } = parseSignedHead(head);
  t.equal(
    (await call<{ head: string }>(bridge, 'head.sign', { size: 3, digests, hash })).head,
    head,
    'offered again by who did not hear the answer',
  );
  t.equal((await greet(bridge)).head, head);
  t.equal(await refusal(call(bridge, 'head.sign', { size: 2, digests: [] })), 'AUDIT_UNAVAILABLE');
  t.match(await call(approve, 'status'), { locked: true });
});

t.test('two histories of one length: locked, told in status and in every text, until an unlock (BRIDGE-6)', async (t) => {
  const { house, bridge, approve } = await open(t);
  const digests = ['a', 'b', 'c'].map((letter) => letter.repeat(64));
  const { head } = await call<{ head: string }>(bridge, 'head.sign', { size: 3, digests });
  const more = ['d'.repeat(64)];
  t.equal(await refusal(call(bridge, 'head.sign', { size: 4, digests: more, hash: 'e'.repeat(64) })), 'AUDIT_UNAVAILABLE');
  const alert = { message: /another history up to record 4/ };
  t.match(await call(approve, 'status'), { locked: true, alert });
  t.match((await call<{ heads: string[] }>(approve, 'heads')).heads, [/./, head].slice(-1), 'nothing was signed');
  await house.restart();
  const again = await house.connect('approve/default');
  t.match(await call(again, 'status'), { locked: true, alert });
  await call(again, 'action.open', { verb: 'unlock', params: {} });
  t.match((await front(again)).text, /^Airlock action .*\n\n {2}WARNING {2}the log of airlock-gateway .* another history/);
  await approveFront(house, again);
  const status = await call<{ locked: boolean; alert?: object }>(again, 'status');
  t.match(status, { locked: false });
  t.equal(status.alert, undefined);
  const second = await house.connect('bridge');
  await greet(second);
  const hash = new Chain(parseSignedHead(head));
  hash.extend(Buffer.from('d'.repeat(64), 'hex').toString('latin1'));
  t.match(await call(second, 'head.sign', { size: 4, digests: more, hash: hash.hash }), { head: /\n4\n/ }, 'negative control');
});
