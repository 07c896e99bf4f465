/** How a cell ends: with its release, its deadline, its connection, and when it stands still. */
import { connect } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import t, { type Test } from 'tap';
import { TestCell, refusal, type CellSetup } from './cell-process.js';

const start = async (test: Test, setup?: CellSetup): Promise<TestCell> => {
  const cell = await TestCell.start(setup);
  test.teardown(() => cell.stop());
  return cell;
};

const killed = async (test: Test, cell: TestCell, what: string): Promise<void> => {
  const { signal } = await cell.exited;
  test.equal(signal, 'SIGKILL', what);
};

t.test('CELL-2 the end of the release connection kills', async (test) => {
  const cell = await start(test);
  const connection = await cell.opened();
  const call = refusal(connection.call('execute', { operation: 'hang', params: {} }));
  const before = performance.now();
  cell.totp.endReleases();
  await killed(test, cell, 'dead when the release ends');
  test.comment(`dead after ${Math.round(performance.now() - before)} ms`);
  test.equal((await call).code, 'UNAVAILABLE');
});

t.test('RELEASE-5 a second frame on the release connection kills', async (test) => {
  const cell = await start(test);
  await cell.opened();
  cell.totp.send(Buffer.from([2, 0, 0, 0, 0]));
  await killed(test, cell, 'dead after a frame that has no place');
});

for (const [what, wallMs, bootMs] of [
  ['wall', 3_600_000, 0],
  ['boot', 0, 3_600_000],
] as const) {
  t.test(`CELL-2 the deadline on the ${what} clock alone kills`, async (test) => {
    const cell = await start(test);
    const connection = await cell.opened();
    cell.setClock(wallMs - 1000 * Number(wallMs > 0), bootMs - 1000 * Number(bootMs > 0));
    await connection.call('execute', { operation: 'echo', params: {} });
    cell.setClock(wallMs, bootMs);
    await killed(test, cell, 'dead at the deadline');
  });
}

t.test('a wall clock set back does not bring time back', async (test) => {
  const cell = await start(test);
  await cell.opened();
  cell.setClock(-10 * 365 * 86_400_000, 3_600_000);
  await killed(test, cell, 'boot time decides');
});

t.test('a release that is over when it comes serves nothing', async (test) => {
  const cell = await start(test, { limits: { deadlineBootMs: 1 } });
  const connection = await cell.connect();
  test.equal((await refusal(connection.call('open', cell.openParams))).code, 'UNAVAILABLE');
  await killed(test, cell, 'dead at once');
});

t.test('CELL-2 a main thread that stands still is killed by the other one', async (test) => {
  const cell = await start(test);
  const connection = await cell.opened();
  const before = performance.now();
  const call = refusal(connection.call('execute', { operation: 'spin', params: {} }));
  await killed(test, cell, 'dead although the main thread is busy');
  test.comment(`dead after ${Math.round(performance.now() - before)} ms`);
  test.equal((await call).code, 'UNAVAILABLE');
});

t.test('CELL-2 a busy main thread cannot outlive its release', async (test) => {
  const cell = await start(test);
  const connection = await cell.opened();
  const call = refusal(connection.call('execute', { operation: 'spin', params: {} }));
  cell.totp.endReleases();
  await killed(test, cell, 'dead with its release');
  test.equal((await call).code, 'UNAVAILABLE');
});

t.test('CELL-1 a second connection is not accepted', async (test) => {
  const cell = await start(test);
  const first = await cell.opened();
  const path = join(cell.directory, 'cell.sock');
  const second = connect(path);
  second.on('error', () => second.destroy());
  // Connecting succeeds, for the socket is not the cell's to close; but nobody answers, and the first is served.
  second.write('{"jsonrpc":"2.0","id":1,"method":"execute","params":{"operation":"echo","params":{}}}\n');
  let answered = false;
  second.on('data', () => {
    answered = true;
  });
  await first.call('execute', { operation: 'echo', params: {} });
  first.close();
  const { code } = await cell.exited;
  test.equal(code, 0);
  test.equal(answered, false);
  second.destroy();
});

t.test('CELL-1 the process ends with its connection, calls in flight or not', async (test) => {
  const cell = await start(test);
  const connection = await cell.opened();
  const call = refusal(connection.call('execute', { operation: 'hang', params: {} }));
  connection.close();
  test.same((await cell.exited).code, 0);
  test.equal((await call).code, 'UNAVAILABLE');
});

t.test('garbage on the socket ends the cell, with a clear error', async (test) => {
  const cell = await start(test);
  (await cell.connect()).close();
  test.equal((await cell.exited).code, 0);

  for (const garbage of ['GET / HTTP/1.1\r\n\r\n', '\u0001\u0000\u0000\u0000\u0001a', '{"jsonrpc":"2.0",\n', '[]]\n']) {
    const victim = await start(test);
    const path = join(victim.directory, 'cell.sock');
    for (;;) {
      const socket = connect(path);
      const [event] = await Promise.race([
        once(socket, 'connect').then(() => ['connect']),
        once(socket, 'error').catch(() => ['error']),
      ]).catch(() => ['error']);
      if (event !== 'connect') continue;
      socket.on('error', () => socket.destroy());
      let answer = '';
      socket.setEncoding('utf8').on('data', (text: string) => {
        answer += text;
      });
      socket.write(garbage);
      const { code } = await victim.exited;
      test.equal(code, 0);
      test.match(answer, /FRAME_INVALID/);
      break;
    }
  }
});

t.test('what is no method or has wrong parameters is refused and the connection goes on', async (test) => {
  const cell = await start(test);
  const connection = await cell.opened();
  test.equal((await refusal(connection.call('evaluate', {}))).code, 'METHOD_UNKNOWN');
  test.equal((await refusal(connection.call('execute', { operation: 'echo', params: {}, code: '1' }))).code, 'PARAMS_INVALID');
  await connection.call('execute', { operation: 'echo', params: {} });
});

t.test('CELL-11 SIGTERM ends a cell, a stuck one too', async (test) => {
  const cell = await start(test);
  const connection = await cell.opened();
  const call = refusal(connection.call('execute', { operation: 'spin', params: {} }));
  cell.signal('SIGTERM');
  test.equal((await cell.exited).signal, 'SIGTERM');
  await call;
});

t.test('negative control: beside a cell that is killed, one that nothing ends lives on', async (test) => {
  const [healthy, stuck] = await Promise.all([start(test), start(test)]);
  const [connection, other] = await Promise.all([healthy.opened(), stuck.opened()]);
  healthy.setClock(3_599_999);
  const call = refusal(other.call('execute', { operation: 'spin', params: {} }));
  await killed(test, stuck, 'the stuck one');
  await call;
  await connection.call('execute', { operation: 'echo', params: {} });
  test.equal(healthy.totp.connections, 1);
});
