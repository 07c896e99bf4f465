/** What the command prints below an error can be typed. */
import { readFileSync, readdirSync } from 'node:fs';
import { fakeGateway } from '@airlock/client/test/fake-gateway';
import { AirlockError, ERRORS } from '@airlock/client';
import t from 'tap';
import { PROGRAM } from '../src/program.js';
import { commandHint } from '../src/hints.js';
import { airlock } from './command.js';

const WIRE_NAME = /\b(?:access|services|tools|context|call|lease)\.[a-z]+\b|retryAfterMs|with call\b|\bparams\.\w|field named/;
const packages = new URL('../../../', import.meta.url);

/** Every literal hint of the packages whose errors reach an agent. */
const hintsOf = (name: string): string[] => {
  const folder = new URL(`${name}/src/`, packages);
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  const texts = files.map((file) => readFileSync(new URL(file, folder), 'utf8'));
  return texts.flatMap((text) =>
    [...text.matchAll(/hint[:=]\s*(?:\w+ \? )?(['`])((?:(?!\1).)*)\1/g)].map(([, , hint = '']) => hint),
  );
};

t.test('no hint that can reach an agent names a method of the wire once it is translated', (test) => {
  const table = Object.values(ERRORS).map(({ hint }) => hint);
  const all = [...table, ...['gateway', 'totp', 'policy', 'lease', 'ipc', 'guard', 'cell', 'client'].flatMap(hintsOf)];
  test.ok(all.length > 80, `${all.length} hints`);
  test.ok(all.filter((hint) => WIRE_NAME.test(hint)).length > 8, 'negative control: as they stand they do');
  test.same(
    all.map((hint) => commandHint(hint)).filter((hint) => WIRE_NAME.test(hint)),
    [],
  );
  test.end();
});

t.test('a hint that says method and command says the command once', (test) => {
  test.equal(
    commandHint('ask for it: access.request, or airlock request mail:read:pid --reason TEXT --wait'),
    'ask for it: airlock request mail:read:pid --reason TEXT --wait',
  );
  test.equal(commandHint('use tools.search or services.list'), 'use airlock services');
  test.end();
});

t.test('every command that a translated hint names is there', (test) => {
  const names = new Set(PROGRAM.commands.map(({ name }) => name.split(' ')[0]));
  const named = Object.values(ERRORS).flatMap(({ hint }) => [...commandHint(hint).matchAll(/\bairlock ([a-z]+)/g)]);
  test.ok(named.length > 5);
  for (const [, name = ''] of named) test.ok(names.has(name), name);
  test.end();
});

t.test('on stderr and in JSON, with the time that is to be waited', async (test) => {
  const gateway = await fakeGateway();
  test.teardown(() => gateway.remove());
  const answer = (code: 'LEASE_EXPIRED' | 'RATE_LIMITED', detail: object): void => {
    gateway.answers.set('call', () => {
      throw new AirlockError(code, 'no', detail);
    });
  };
  const call = ['call', 'gmail', 'count_unread', '--lease', gateway.lease(['gmail:read'])];
  answer('LEASE_EXPIRED', {});
  const expired = await airlock(call, { env: gateway.env });
  test.match(expired.stderr, 'ask again: airlock request SERVICE --reason TEXT --wait');
  answer('RATE_LIMITED', { retryAfterMs: 2500 });
  test.match((await airlock([...call, '--json'], { env: gateway.env })).json, {
    error: { hint: 'wait for 3 s', retryAfterMs: 2500 },
  });
});
