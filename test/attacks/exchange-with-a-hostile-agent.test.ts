// Attack: an agent replies to, cancels or takes over what is another's, replies with a code, or cancels a write to have it happen twice. EXCHANGE-1 to EXCHANGE-3, EXCHANGE-10, CALL-10.
import { openSession, startDeliveries, until } from '@airlock/testkit';
import t from 'tap';
import { codeOf, startExchangeHouse, startTalker } from './support/exchange-house.js';

const deliveries = await startDeliveries();
const running = await startExchangeHouse(deliveries.port);
t.teardown(async () => {
  await running.stop();
  await deliveries.close();
});

/** Every fourth round. */
const isHeld = (line: string): boolean => Number(line.slice('round-'.length)) % 4 === 2;
const ALL = ['fixture:read', 'fixture:write'];
const audit = async (): Promise<string> => JSON.stringify((await running.command('airlock-ctl', ['audit', '--json'])).json);

// First, as a session that was given untrusted content writes with a code only.
t.test('whenever a write is cancelled, it happens at most once and its answer is true', async (t) => {
  const { session, talk } = await startTalker(running, ALL);
  const turns = async (count: number): Promise<void> => {
    for (let n = 0; n < count; n += 1) await new Promise((resolve) => setImmediate(resolve));
  };
  const counts: Record<string, number> = {};
  // Where the service is held, it has the line and has not answered when the cancel comes.
  let release: (isAnswered: boolean) => void = () => undefined;
  deliveries.onLine = (line) => (isHeld(line) ? new Promise((resolve) => (release = resolve)) : true);
  for (let round = 0; round < 40; round += 1) {
    const line = `round-${round}`;
    const [channel, operation] = [`w-${round}`, 'talk_write'];
    const answer = codeOf(talk([{ deliver: line }], { channel, operation }));
    // At every stage on the way: before the cell has it, while the service has it, after it answered.
    const isSeen = round % 4 > 1;
    await (isSeen ? until('the line', () => deliveries.lines.includes(line)) : turns(round * 3));
    await codeOf(session.call('call.cancel', { channel }));
    const outcome = await answer;
    release(true);
    counts[outcome] = (counts[outcome] ?? 0) + 1;
    const times = (): number => deliveries.lines.filter((one) => one === line).length;
    if (outcome === 'ok') t.equal(times(), 1, `${line} is said to be done`);
    else if (outcome === 'UNAVAILABLE') t.equal(times(), 0, `${line} is said not to have happened`);
    else t.equal(outcome, 'OUTCOME_UNKNOWN', line);
    t.ok(times() <= 1, `${line}: at most once`);
  }
  t.comment(JSON.stringify(counts));
  t.ok((counts['UNAVAILABLE'] ?? 0) > 0, 'some were cancelled in time');
  t.ok((counts['OUTCOME_UNKNOWN'] ?? 0) >= 10, 'some while the service was at it');
  t.ok((counts['ok'] ?? 0) > 0, 'some too late');
  // What was said not to have happened does not happen later.
  const before = [...deliveries.lines];
  await talk([], { channel: 'last' });
  t.same(deliveries.lines, before);
  session.close();
});

t.test('a channel is of the connection its call came on: no other session, and no other connection of the same', async (t) => {
  const mine = await startTalker(running);
  const theirs = await startTalker(running);
  const twin = await openSession(running, { resume: mine.session.hello.resume });
  const answer = mine.talk([{ ask: 'roots/list' }]);
  const { ask } = await mine.asked();
  for (const other of [theirs.session, twin]) {
    t.equal(await codeOf(other.call('call.reply', { channel: 'talk', ask, result: { roots: ['stolen'] } })), 'NOT_FOUND');
    t.equal(await codeOf(other.call('call.cancel', { channel: 'talk' })), 'NOT_FOUND');
  }
  t.equal(await codeOf(mine.talk([])), 'PARAMS_INVALID', 'the name is in use');
  t.equal(theirs.heard.length, 0);
  await mine.session.call('call.reply', { channel: 'talk', ask, result: { roots: [] } });
  t.match(await answer, { result: { said: [[{ roots: [] }]] } });
  t.equal(await codeOf(mine.session.call('call.reply', { channel: 'talk', ask, result: {} })), 'NOT_FOUND', 'after the end');
  t.equal(await codeOf(mine.session.call('call.cancel', { channel: 'talk' })), 'NOT_FOUND');
  for (const session of [mine.session, theirs.session, twin]) session.close();
});

t.test('a one-time code in a reply is refused, stands in no record, and the question can still be answered', async (t) => {
  const { session, talk, asked } = await startTalker(running);
  const answer = talk([{ ask: 'elicitation/create', params: { message: 'Which folder?' } }]);
  const { ask } = await asked();
  const code = running.freshCode();
  const forms = [
    { action: 'accept', content: { folder: code } },
    { action: 'accept', content: { folder: Number(`1${code.slice(1)}`) } },
  ];
  for (const result of forms)
    t.equal(await codeOf(session.call('call.reply', { channel: 'talk', ask, result })), 'CODE_ON_AGENT_SOCKET');
  t.notMatch(await audit(), code);
  await session.call('call.reply', { channel: 'talk', ask, result: { action: 'accept', content: { folder: 'Work' } } });
  t.match(await answer, { result: { said: [[{ content: { folder: 'Work' } }]] } }, 'negative control');
  session.close();
});

t.test('a service that ignores the end cannot keep its caller, and one that obeys is not believed more', async (t) => {
  const { session, talk } = await startTalker(running);
  for (const wait of ['ever', 'abort']) {
    const answer = talk([{ notify: 'notifications/progress' }, { wait }], { channel: wait });
    await session.call('call.cancel', { channel: wait });
    t.equal(await codeOf(answer), 'UNAVAILABLE', wait);
  }
  session.close();
});

t.test('an agent that goes away takes its calls with it, and what takes up its session gets none of them', async (t) => {
  const { session, talk, asked, lease } = await startTalker(running);
  void talk([{ ask: 'roots/list' }, { wait: 'ever' }], { channel: 'gone' });
  const { ask } = await asked();
  const resume = session.hello.resume;
  session.close();
  const heard: string[] = [];
  const next = await openSession(running, { resume, onNotify: (method) => heard.push(method) });
  t.equal(await codeOf(next.call('call.reply', { channel: 'gone', ask, result: {} })), 'NOT_FOUND');
  await until('the record', async () => /"events":1,"asks":1/.test(await audit()));
  const again = { lease, service: 'fixture', operation: 'talk', params: { script: [] }, context: { channel: 'gone' } };
  t.equal(await codeOf(next.call('call', again)), 'ok', 'the name is free');
  t.notOk(heard.includes('call.event'));
  next.close();
});
