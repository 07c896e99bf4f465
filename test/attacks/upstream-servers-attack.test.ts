/** Hostile MCP servers through the whole house: each harm ends as an error of its own call, and nobody else feels it. */
import { join } from 'node:path';
import { AirlockError, type CallResult } from '@airlock/protocol';
import { checkout } from '@airlock/testkit';
import t from 'tap';
import { cellPeakBytes, lease, openHouse, type House } from './support/hostile.js';

t.setTimeout(300_000);

const SERVER = join(checkout, 'packages/connectors/mcp/dist/test/hostile-server.js');
const MAX_CELL_BYTES = 256 * 1024 * 1024;
const MAX_NEIGHBOUR_MS = 3000;

const add = async (house: House, name: string, harm: string): Promise<{ status: number; text: string }> => {
  const args = ['service', 'add', 'mcp', '--name', name, '--stdin', '--json', '--', process.execPath, SERVER, harm];
  const { status, stdout, stderr } = await house.running.command('airlock-ctl', args, {
    stdin: `${house.running.freshCode()}\n`,
  });
  return { status, text: `${stdout}${stderr}` };
};

/** @returns the code it ended with, or its text */
const call = async (house: House, token: string, service: string, operation: string, params: object): Promise<string> => {
  try {
    const { result } = await house.attacked.call<CallResult>('call', { lease: token, service, operation, params });
    return JSON.stringify(result);
  } catch (thrown) {
    return thrown instanceof AirlockError ? `${thrown.code} ${thrown.data.found ?? ''}` : String(thrown);
  }
};

const HARMS: readonly (readonly [harm: string, expected: RegExp])[] = [
  ['huge', /^UPSTREAM_REFUSED too_large/],
  ['noise', /^UPSTREAM_REFUSED not_mcp/],
  ['utf8', /^UPSTREAM_REFUSED not_mcp/],
  ['flood', /^UPSTREAM_REFUSED flood/],
  ['exit', /^UNAVAILABLE exited_3/],
  ['protoResult', /^UPSTREAM_REFUSED bad_key/],
  ['deepResult', /^UPSTREAM_REFUSED too_deep/],
  ['surrogate', /\ufffd!/],
  ['asks', /asked/],
  ['twiceAnswered', /first/],
  ['reused', /right/],
  ['none (negative control)', /call 1/],
];

t.test('harms of a call', { timeout: 240_000 }, async (t) => {
  const house = await openHouse();
  t.teardown(() => house.stop());
  const added = await add(house, 'hostile', 'any');
  t.equal(added.status, 0, added.text);
  for (const [harm, expected] of HARMS) {
    const token = await lease(house.running, house.attacked, 'hostile:read');
    const [found, during] = await Promise.all([call(house, token, 'hostile', 'fine', { harm }), house.neighbour()]);
    t.match(found, expected, harm);
    const after = await house.neighbour();
    t.ok(Math.max(during, after) < MAX_NEIGHBOUR_MS, `${harm}: the neighbour waited ${Math.round(Math.max(during, after))} ms`);
    const peak = cellPeakBytes(house.running);
    t.ok(peak < MAX_CELL_BYTES, `${harm}: ${Math.round(peak / 2 ** 20)} MiB at most`);
    await house.attacked.call('access.release', { lease: token });
  }
});

t.test('lists that lie', { timeout: 240_000 }, async (t) => {
  const house = await openHouse();
  t.teardown(() => house.stop());
  for (const harm of ['loop', 'many', 'at-once']) {
    const { status, text } = await add(house, `s-${harm}`, harm);
    t.not(status, 0, `${harm} is not added`);
    t.notMatch(text, 'hunter2', 'UPSTREAM-7');
  }
  for (const harm of ['deep', 'giant', 'twice', 'ansi', 'proto', 'bomb']) {
    const { status, text } = await add(house, `s-${harm}`, harm);
    t.equal(status, 0, `${harm}: ${text.slice(0, 300)}`);
    const token = await lease(house.running, house.attacked, `s-${harm}:read`);
    t.match(await call(house, token, `s-${harm}`, 'fine', {}), /call 1/, `${harm}: the others work`);
    await house.attacked.call('access.release', { lease: token });
  }
  const tools = await house.running.command('airlock-ctl', ['service', 'tools', 's-ansi']);

  t.notMatch(tools.stdout, /\u001b\[|\u202e/, 'UPSTREAM-10 nothing hidden reaches a terminal');
  const changed = await add(house, 's-changed', 'changed');
  t.equal(changed.status, 0, changed.text);
  const token = await lease(house.running, house.attacked, 's-changed:read');
  t.match(await call(house, token, 's-changed', 'fine', {}), /^BLOCKED/, 'another description than was accepted');
  t.ok((await house.neighbour()) < MAX_NEIGHBOUR_MS);
});
