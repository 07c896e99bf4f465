/** Calls in an opened cell: what is allowed, what is checked, what leaves. */
import t, { type Test } from 'tap';
import { LIMITS, digestOf } from '@airlock/protocol';
import { SECRET, TestCell, refusal, type CellSetup } from './cell-process.js';

const start = async (test: Test, setup?: CellSetup) => {
  const cell = await TestCell.start(setup);
  test.teardown(() => cell.stop());
  const connection = await cell.opened();
  const execute = (operation: string, params: object = {}, more: object = {}) =>
    connection.call('execute', { operation, params, ...more }) as Promise<Record<string, unknown>>;
  return { cell, connection, execute };
};

t.test('RELEASE-8 scopes of the grant are enforced by the cell', async (test) => {
  const { execute } = await start(test, { limits: { scopes: ['tower:read:echo', 'harbour:write'] } });
  test.match(await execute('echo', { text: 'hi' }), { result: { text: 'hi' } });
  test.equal((await refusal(execute('seen'))).code, 'LEASE_SCOPE');
  test.equal((await refusal(execute('wreck'))).code, 'LEASE_SCOPE');
  test.match(await refusal(execute('fly')), { code: 'OPERATION_UNKNOWN', data: { expected: /echo, seen/ } });
});

t.test('a write needs an approval of its own beside a scope of its class', async (test) => {
  const { execute } = await start(test, { limits: { scopes: ['tower:write'] } });
  test.match(await refusal(execute('wreck')), { code: 'POLICY_DENIED' }, 'the scope alone is no approval of it');
  test.equal((await refusal(execute('echo'))).code, 'LEASE_SCOPE', 'write does not imply read');
});

t.test('UNATTENDED-3 a lease that names the write runs it, and no other operation of that name or kind', async (test) => {
  const { execute } = await start(test, { limits: { scopes: ['tower:write'], unattended: ['wreck'] } });
  test.match(await execute('wreck'), { masked: 0 });
  const other = await start(test, { limits: { scopes: ['tower:write'], unattended: ['wrec', 'tower:wreck', 'echo'] } });
  test.equal((await refusal(other.execute('wreck'))).code, 'POLICY_DENIED');
});

t.test('CELL-3 a ghost argument is refused, with what is allowed', async (test) => {
  const { execute } = await start(test);
  const error = await refusal(execute('echo', { text: 'hi', colour: 'red' }));
  test.match(error, { code: 'PARAMS_INVALID', data: { field: 'params.colour', expected: /allowed: text/, hint: /leave out/ } });
  test.match(await refusal(execute('echo', { text: 5 })), { code: 'PARAMS_INVALID', data: { expected: 'string' } });
});

t.test('CELL-4 the credential is masked in every encoding, keys included', async (test) => {
  const { execute } = await start(test);
  const answer = await execute('leak');
  const bytes = Buffer.from(SECRET);
  const text = JSON.stringify(answer['result']);
  const middle = (encoded: string): string => encoded.slice(4, -4);
  const forms = [
    SECRET,
    JSON.stringify(SECRET).slice(1, -1),
    encodeURIComponent(SECRET),
    bytes.toString('hex'),
    middle(bytes.toString('base64')),
  ];
  for (const form of forms) test.notOk(text.includes(form), form);
  for (const offset of [1, 2]) {
    const shifted = middle(Buffer.concat([Buffer.alloc(offset), bytes]).toString('base64'));
    test.notOk(
      text.includes(shifted) || text.includes(shifted.replaceAll('+', '-').replaceAll('/', '_')),
      `base64 at offset ${offset}`,
    );
  }
  test.equal(answer['masked'], 14);
  test.match(text, /before \[masked …ebra\] after/);
});

t.test('a result above the frame is cut and says so', async (test) => {
  const { execute } = await start(test);
  const answer = await execute('big', { chars: 3_000_000 });
  test.equal(answer['truncated'], true);
  const { text, small } = answer['result'] as { text: string; small: string };
  test.equal(small, 'kept');
  test.ok(text.endsWith('…[cut]') && text.isWellFormed());
  test.ok(Buffer.byteLength(JSON.stringify(answer)) < LIMITS.maxFrameOutBytes);
});

t.test('a connector that throws: its own errors masked, others without text, none of ours played', async (test) => {
  const { execute } = await start(test);
  const known = await refusal(execute('fail', { how: 'airlock' }));
  test.match(known, { code: 'UPSTREAM_REFUSED', message: 'refused [masked …ebra]', data: { found: 'bad_credentials' } });
  test.notOk(JSON.stringify(known.data).includes(SECRET));
  test.match(await refusal(execute('fail', { how: 'plain' })), { code: 'INTERNAL', message: 'the connector failed' });
  test.equal((await refusal(execute('fail', { how: 'lease' }))).code, 'INTERNAL');
  test.match(await execute('echo', { text: 'still there' }), { result: { text: 'still there' } });
});

t.test('CELL-10 a rejection nobody handles ends the cell without its text', async (test) => {
  const { cell, execute } = await start(test);
  const call = refusal(execute('fail', { how: 'unhandled' }));
  const { code, text } = await cell.exited;
  test.equal(code, 70);
  test.match(text, /its text is withheld/);
  test.notOk(text.includes(SECRET));
  test.equal((await call).code, 'UNAVAILABLE');
});

t.test('RELEASE-11 a trial tests once and executes nothing', async (test) => {
  const { connection, execute } = await start(test, { limits: { trial: true, lease: 'trial' } });
  test.equal((await refusal(execute('echo'))).code, 'LEASE_SCOPE');
  test.same(await connection.call('test', {}), {});
  test.equal((await refusal(connection.call('test', {}))).code, 'UNAVAILABLE');
});

t.test('a trial reports what the login failed of; a lease does not test', async (test) => {
  const trial = await start(test, { limits: { trial: true }, fields: { password: 'wrong password' } });
  test.match(await refusal(trial.connection.call('test', {})), { code: 'UPSTREAM_REFUSED', data: { found: 'bad_credentials' } });
  const lease = await start(test);
  test.equal((await refusal(lease.connection.call('test', {}))).code, 'LEASE_SCOPE');
});

t.test('constraints of the grant cannot be replaced', async (test) => {
  const { execute } = await start(test, { limits: { constraints: { folder: ['a'] } } });
  test.match(await execute('seen', {}, { constraints: { since: 'x', folder: ['a'] } }), {
    result: { constraints: { folder: ['a'], since: 'x' } },
  });
  test.equal((await refusal(execute('seen', {}, { constraints: { folder: ['b'] } }))).code, 'CONSTRAINT');
  test.match(await refusal(execute('seen', {}, { constraints: { senders: ['a'] } })), {
    code: 'CONSTRAINT',
    data: { expected: 'folder, since' },
  });
  test.equal(
    (await refusal(execute('echo', { text: 'a' }))).code,
    'CONSTRAINT',
    'what the operation does not enforce fails closed',
  );
});

t.test('several calls are in flight; one that hangs holds up nobody', async (test) => {
  const { execute } = await start(test);
  const hanging = refusal(execute('hang'));
  const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => execute('echo', { text: String(n) })));
  test.same(
    answers.map(({ result }) => result),
    Array.from({ length: 20 }, (_, n) => ({ text: String(n) })),
  );
  test.match(await execute('seen'), { result: { opened: 1 } }, 'one session for all');
  void hanging;
});

t.test('OPERATION-6 a release for one operation runs it once, with the parameters that were approved', async (test) => {
  const digest = digestOf({ operation: 'echo', params: { text: 'hi' }, service: 'tower' });
  const limits = {
    scopes: ['tower:read'],
    approved: { request: 'r-k3m9qz7w2p', operation: 'echo', class: 'read', digest } as const,
  };
  const { execute } = await start(test, { limits });
  test.equal((await refusal(execute('echo', { text: 'ho' }))).code, 'POLICY_DENIED');
  test.equal((await refusal(execute('seen'))).code, 'POLICY_DENIED');
  test.match(await execute('echo', { text: 'hi' }), { result: { text: 'hi' } });
  test.equal((await refusal(execute('echo', { text: 'hi' }))).code, 'POLICY_DENIED', 'never twice');
});

t.test('OPERATION-6 a write that was shown as a read does not run', async (test) => {
  const digest = digestOf({ operation: 'wreck', params: {}, service: 'tower' });
  const approved = { request: 'r-k3m9qz7w2p', operation: 'wreck', class: 'read', digest } as const;
  const { execute } = await start(test, { limits: { scopes: ['tower:read', 'tower:write'], approved } });
  test.equal((await refusal(execute('wreck'))).code, 'POLICY_DENIED');
});

t.test('OPERATION-6 an approved write runs', async (test) => {
  const digest = digestOf({ operation: 'wreck', params: {}, service: 'tower' });
  const limits = {
    scopes: ['tower:write'],
    approved: { request: 'r-k3m9qz7w2p', operation: 'wreck', class: 'write', digest } as const,
  };
  const { execute } = await start(test, { limits });
  test.match(await execute('wreck'), { result: 'wrecked' });
});
