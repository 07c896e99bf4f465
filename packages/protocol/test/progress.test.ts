/** What is said while a command waits, by a clock of the test's own. */
import t from 'tap';
import { whileWaiting, type ProgressDisplay } from '../src/command/index.js';
import type { Timers } from '../src/timers.js';

interface Stage {
  readonly display: ProgressDisplay;
  readonly said: () => string;
  readonly pass: (ms: number) => void;
  readonly finish: (value: string) => void;
  readonly fail: (error: Error) => void;
  readonly result: Promise<string>;
}

const stage = (isTerminal: boolean, isSilent = false): Stage => {
  let nowMs = 0;
  let said = '';
  const waiting = new Map<number, { readonly atMs: number; readonly fn: () => void }>();
  let last = 0;
  const timers: Timers = {
    nowMs: () => nowMs,
    after: (ms, fn) => {
      const id = (last += 1);
      waiting.set(id, { atMs: nowMs + ms, fn });
      return { cancel: () => void waiting.delete(id) };
    },
  };
  const pass = (ms: number): void => {
    const untilMs = nowMs + ms;
    for (;;) {
      const due = [...waiting].filter(([, { atMs }]) => atMs <= untilMs).sort(([, a], [, b]) => a.atMs - b.atMs)[0];
      if (!due) break;
      waiting.delete(due[0]);
      nowMs = due[1].atMs;
      due[1].fn();
    }
    nowMs = untilMs;
  };
  const display = { err: (text: string) => void (said += text), isTerminal, isSilent, timers };
  let finish: (value: string) => void = () => undefined;
  let fail: (error: Error) => void = () => undefined;
  const promise = new Promise<string>((resolve, reject) => {
    finish = resolve;
    fail = reject;
  });
  return { display, said: () => said, pass, finish, fail, result: whileWaiting(display, 'the operator', promise) };
};

t.test('nothing is said in the first second', async (t) => {
  const { pass, finish, result, said } = stage(false);
  pass(999);
  finish('done');
  t.equal(await result, 'done');
  pass(10_000);
  t.equal(said(), '');
});

t.test('through a pipe one plain line is said, once', async (t) => {
  const { pass, finish, result, said } = stage(false);
  pass(60_000);
  finish('done');
  await result;
  t.equal(said(), 'airlock: waiting for the operator\n');
});

t.test('on a terminal a line turns, and is gone before anything else is printed', async (t) => {
  const { pass, finish, result, said } = stage(true);
  pass(1250);
  t.match(said(), /waiting for the operator \(1 s\)/);
  pass(2000);
  t.match(said(), /\(3 s\)/);
  t.notMatch(said(), '\n');
  finish('done');
  await result;
  t.ok(said().endsWith('\r\u001b[K'));
  const after = said();
  pass(10_000);
  t.equal(said(), after, 'and it stands still then');
});

t.test('with --json nothing is said, and a failure comes through', async (t) => {
  const { pass, fail, result, said } = stage(true, true);
  pass(60_000);
  fail(new Error('refused'));
  await t.rejects(result, { message: 'refused' });
  t.equal(said(), '');
});
