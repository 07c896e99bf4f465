/** Every hostile HTTP server: its error, its connection closed, memory bounded, and the next request served. */
import { AirlockError, parseOrigin } from '@airlock/protocol';
import { HOSTILE_HTTP, type Served } from '@airlock/testkit';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import t from 'tap';
import { openEgress } from '../src/index.js';

const SHORT = { idleTimeoutMs: 150, totalTimeoutMs: 400 };
const MAX_GROWTH_BYTES = 64 * 1024 * 1024;

/** Resolves when the client has hung up; the time limit of the test is what fails otherwise. */
const hungUp = async (served: Served): Promise<void> => {
  while (served.open() > 0) await new Promise((resolve) => setImmediate(resolve));
};

const good = createServer((_, response) => response.end('good'));
t.before(() => new Promise<void>((resolve) => good.listen(0, '127.0.0.1', resolve)));
t.teardown(() => {
  good.close();
  good.closeAllConnections();
});

t.test('EGRESS-10, EGRESS-11: each hostile server gets its refusal and nothing stays open', async (t) => {
  const well = `http://127.0.0.1:${(good.address() as AddressInfo).port}`;
  const fixtures = HOSTILE_HTTP.filter(({ level }) => level === 'http');
  const all = await Promise.all(fixtures.map(async (fixture) => ({ ...fixture, served: await fixture.serve() })));
  // The bombs are made by now.
  const before = process.memoryUsage().rss;
  for (const { name, expect, slow, served } of all) {
    const origins = [served.url, well].map((url) => parseOrigin(new URL(url).origin));
    const egress = openEgress({ origins, limits: slow ? SHORT : {} });
    try {
      const answer = await egress.request({ method: 'GET', url: served.url });
      t.fail(`${name}: answered ${answer.status}`);
    } catch (thrown) {
      t.ok(thrown instanceof AirlockError, name);
      t.match((thrown as AirlockError).data, { ...expect }, name);
    }
    await hungUp(served);
    t.equal((await egress.request({ method: 'GET', url: well })).body.toString(), 'good', `${name}: the next request`);
    await egress.close();
    await served.close();
  }
  const growth = process.memoryUsage().rss - before;
  t.ok(growth < MAX_GROWTH_BYTES, `grew by ${Math.round(growth / 1024 / 1024)} MiB`);
});
