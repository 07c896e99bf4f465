/** Requests that were asked for here, and what becomes of them when airlock-totp forgets, fails or was away. */
import { AirlockError, type RequestState, type TakenLease } from '@airlock/protocol';
import { ManualTimers } from '@airlock/protocol/dev';
import t from 'tap';
import { GATEWAY_LIMITS } from '../src/limits.js';
import { RequestBoard } from '../src/requests/board.js';

const FACTS = { operator: 'default', role: 'default', session: 's', match: '07', expiresAt: '2026-01-01T00:05:00.000Z' };
const LEASE: TakenLease = { lease: 'text', expiresAt: FACTS.expiresAt };

/** Airlock-totp, of which only these two are asked. */
class Source {
  readonly states = new Map<string, RequestState | AirlockError>();
  taken: TakenLease | AirlockError = LEASE;
  readonly get = (request: string): Promise<RequestState> => {
    const state = this.states.get(request) ?? new AirlockError('NOT_FOUND', 'no request has this id');
    return state instanceof AirlockError ? Promise.reject(state) : Promise.resolve(state);
  };
  readonly take = (): Promise<TakenLease> =>
    this.taken instanceof AirlockError ? Promise.reject(this.taken) : Promise.resolve(this.taken);
}

const bench = (): { source: Source; board: RequestBoard; timers: ManualTimers } => {
  const [source, timers] = [new Source(), new ManualTimers()];
  return { source, timers, board: new RequestBoard(source, timers) };
};
const codeOf = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'none',
    (thrown: unknown) => (thrown as AirlockError).code,
  );

t.test('a request that was merged with an earlier one is that one', (t) => {
  const { board } = bench();
  const first = board.opened({ ...FACTS, request: 'r-one' });
  t.equal(board.opened({ ...FACTS, request: 'r-one' }), first);
  t.equal(board.pendingOf('s').length, 1);
  t.end();
});

t.test('one that was asked for before a restart is looked up, and its decision with it', async (t) => {
  const { source, board } = bench();
  source.states.set('r-old', { ...FACTS, status: 'denied', reason: 'not today' });
  source.states.set('r-late', { ...FACTS, status: 'expired' });
  source.states.set('r-open', { ...FACTS, status: 'pending' });
  source.states.set('r-theirs', { ...FACTS, session: 'other', status: 'pending' });
  t.match(await board.find('r-old', 's'), { status: 'denied', reason: 'not today' });
  t.match(await board.find('r-late', 's'), { status: 'expired', reason: null });
  t.match(await board.find('r-open', 's'), { status: 'pending', reason: null });
  t.equal(await codeOf(board.find('r-theirs', 's')), 'NOT_FOUND');
  t.equal(await codeOf(board.find('r-none', 's')), 'NOT_FOUND');
});

t.test('BOARD-1: a lease is handed out once; where airlock-totp failed, it can be asked for again', async (t) => {
  const { source, board } = bench();
  const one = board.opened({ ...FACTS, request: 'r-one' });
  source.taken = new AirlockError('UNAVAILABLE', 'airlock-totp does not answer');
  t.equal(await codeOf(board.take(one)), 'UNAVAILABLE');
  source.taken = LEASE;
  t.same(await board.take(one), LEASE);
  t.equal(await board.take(one), null);
  const two = board.opened({ ...FACTS, request: 'r-two' });
  source.taken = new AirlockError('NOT_FOUND', 'handed out already');
  t.equal(await board.take(two), null);
  source.taken = LEASE;
  t.equal(await board.take(two), null, 'and so it stays');
});

t.test(
  'after a reconnect: what was decided is, what is not known any more has expired, what cannot be asked waits',
  async (t) => {
    const { source, board } = bench();
    const names = ['r-approved', 'r-denied', 'r-pending', 'r-gone', 'r-failing'];
    const [approved, denied, pending, gone, failing] = names.map((request) => board.opened({ ...FACTS, request }));
    source.states.set('r-approved', { ...FACTS, status: 'approved' });
    source.states.set('r-denied', { ...FACTS, status: 'denied', reason: 'no' });
    source.states.set('r-pending', { ...FACTS, status: 'pending' });
    source.states.set('r-failing', new AirlockError('UNAVAILABLE', 'airlock-totp does not answer'));
    await board.refresh();
    t.match(
      [approved, denied, pending, gone, failing],
      [
        { status: 'approved', reason: null },
        { status: 'denied', reason: 'no' },
        { status: 'pending' },
        { status: 'expired' },
        { status: 'pending' },
      ],
    );
  },
);

t.test('BOARD-2: beyond what is remembered the oldest goes, but for one that somebody waits for', async (t) => {
  const { board } = bench();
  const waited = board.opened({ ...FACTS, request: 'r-0' });
  const changed = board.changed(waited, 1000);
  for (let n = 1; n <= GATEWAY_LIMITS.maxTrackedRequests; n += 1) board.opened({ ...FACTS, request: `r-${n}` });
  t.equal(board.pendingOf('s').length, GATEWAY_LIMITS.maxTrackedRequests);
  t.equal(board.decided({ operator: 'default', request: 'r-1', status: 'denied' }), null, 'forgotten');
  t.equal(board.decided({ operator: 'default', request: 'r-0', status: 'denied' }), waited);
  await changed;
  t.equal(waited.status, 'denied');
});

t.test('BOARD-2: where somebody waits for every one of them, none goes', async (t) => {
  const { board, timers } = bench();
  const { maxTrackedRequests } = GATEWAY_LIMITS;
  const names = Array.from({ length: maxTrackedRequests }, (_, n) => `r-${n}`);
  const waits = names.map((request) => board.changed(board.opened({ ...FACTS, request }), 1000));
  board.opened({ ...FACTS, request: 'r-new' });
  t.equal(board.pendingOf('s').length, maxTrackedRequests + 1, 'the newest neither');
  timers.advance(1000);
  await Promise.all(waits);
  board.opened({ ...FACTS, request: 'r-last' });
  t.equal(board.pendingOf('s').length, maxTrackedRequests + 1, 'once they do not wait, the oldest goes');
  t.equal(board.decided({ operator: 'default', request: 'r-0', status: 'denied' }), null);
});
