/** The dispatch table of a cell's socket: `open` once, then `prepare` and `execute`, or `test` once in a trial. */
import type { CallContext, Connection, MethodTable } from '@airlock/ipc';
import {
  AirlockError,
  validatorOf,
  type CellExecuteParams,
  type CellOpenParams,
  type CellPrepareParams,
  type CellRotated,
  type ExchangeReply,
  type ListedOperation,
  type Timers,
} from '@airlock/protocol';
import { Executor } from './execute.js';
import type { Voice } from './exchange.js';
import { openCell, type OpenOptions } from './open.js';
import type { Rotation } from './rotation.js';

/** Where a cell stands; nothing is permitted until it says so. */
export class CellState {
  phase: 'new' | 'opening' | 'open' | 'failed' = 'new';
  executor: Executor | null = null;
  isTested = false;
  rotation: Rotation | null = null;
}

const once = (): AirlockError =>
  new AirlockError('UNAVAILABLE', 'this cell was opened before', { retry: 'never', hint: 'connect to another cell' });
const notOpen = (): AirlockError => new AirlockError('UNAVAILABLE', 'this cell is not open', { hint: 'send open first' });

const executorOf = (state: CellState): Executor => {
  if (state.executor === null) throw notOpen();
  return state.executor;
};

const openNow = async (
  params: CellOpenParams,
  { state, connection }: CallContext<CellState>,
  options: OpenOptions,
  timers: Timers,
): Promise<void> => {
  state.phase = 'opening';
  try {
    const tell = (listed: readonly ListedOperation[]): void => connection.notify('listed', { listed });
    const voice: Voice = {
      event: (event) => connection.notify('event', event),
      withheld: (withheld) => connection.notify('withheld', withheld),
      said: (said) => connection.notify('said', said),
      nowMs: () => timers.nowMs(),
    };
    const cell = await openCell(params, options);
    state.rotation = cell.rotation ?? null;
    state.rotation?.connect((rotate) => connection.notify('rotate', rotate));
    state.executor = new Executor(cell, timers, tell, voice);
    state.phase = 'open';
  } catch (thrown) {
    state.phase = 'failed';
    throw thrown;
  }
};

/** The answer is written when the event loop is through with this turn; then the connection ends, and the cell with it. */
const endAfterAnswer = (connection: Connection<CellState>): void =>
  void setImmediate(() => setImmediate(() => connection.close()));

export const cellMethods = (options: OpenOptions, timers: Timers): MethodTable<CellState> => ({
  open: {
    params: validatorOf('cell.open'),
    permitted: ({ phase }) => (phase === 'new' ? null : once()),
    handle: async (params, context: CallContext<CellState>) => {
      try {
        await openNow(params as CellOpenParams, context, options, timers);
      } catch (thrown) {
        endAfterAnswer(context.connection);
        throw thrown;
      }
    },
  },
  prepare: {
    params: validatorOf('cell.prepare'),
    permitted: ({ phase }) => (phase === 'open' ? null : notOpen()),
    handle: (params, { state }) => executorOf(state).prepare(params as CellPrepareParams),
  },
  execute: {
    params: validatorOf('cell.execute'),
    permitted: ({ phase }) => (phase === 'open' ? null : notOpen()),
    handle: (params, { state }) => executorOf(state).execute(params as CellExecuteParams),
  },
  reply: {
    params: validatorOf('cell.reply'),
    permitted: ({ phase }) => (phase === 'open' ? null : notOpen()),
    handle: (params, { state }) => executorOf(state).calls.reply(params as ExchangeReply),
  },
  cancel: {
    params: validatorOf('cell.cancel'),
    permitted: ({ phase }) => (phase === 'open' ? null : notOpen()),
    handle: (params, { state }) => executorOf(state).calls.cancel((params as { channel: string }).channel),
  },
  rotated: {
    params: validatorOf('cell.rotated'),
    permitted: ({ phase }) => (phase === 'open' ? null : notOpen()),
    handle: (params, { state }) => state.rotation?.answered((params as CellRotated).ok),
  },
  test: {
    params: validatorOf('cell.test'),
    permitted: ({ phase, isTested }) => (phase === 'open' && !isTested ? null : notOpen()),
    handle: (_, { state }) => {
      state.isTested = true;
      return executorOf(state).test();
    },
  },
});
