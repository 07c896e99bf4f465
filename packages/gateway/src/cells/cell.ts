/**
 * One cell: a connection to one slot, for one lease and one service (docs/spec/release.md "The cell's socket").
 *
 * CELLS-1  never probed: the slot is connected to once, and its first byte has to come in time.
 * CELLS-2  the end of the connection is the end of the cell; the slot is free from then on.
 */
import { connectSocket, type Connection } from '@airlock/ipc';
import {
  AirlockError,
  type CellEvent,
  type CellExecuteParams,
  type CellOpenParams,
  type CellPrepareParams,
  type CellResult,
  type CellRotate,
  type CellTestResult,
  type ExchangeOrder,
  type ExchangeReply,
  type Timers,
} from '@airlock/protocol';
import type { ChannelEars } from '../exchange/channel.js';
import { GATEWAY_LIMITS } from '../limits.js';
import { cellNotifications } from './hearing.js';

export interface CellOptions {
  /** Path of the slot's socket. */
  readonly path: string;
  readonly timers: Timers;
  /** Called once, when the connection has ended. */
  readonly onClose: () => void;
  /** Anything; see PoolOptions.onListed. */
  readonly onListed: (listed: unknown) => void;
  /** What its service says outside calls. */
  readonly onEvent: (event: CellEvent) => void;
  /** Its service asked for a one-time code where nobody can talk with it; told once. */
  readonly onCodeAsked: () => void;
  /** What the program of its service wrote to stderr last. */
  readonly onSaid: (text: string) => void;
  /** See PoolOptions.onRotate. */
  readonly onRotate: (rotate: CellRotate, cell: Cell) => void;
}

const died = (): AirlockError =>
  new AirlockError('UNAVAILABLE', 'the cell of this service ended during the call', {
    hint: 'call again; a fresh cell is opened',
    retryAfterMs: GATEWAY_LIMITS.cellDiedRetryMs,
  });

export class Cell {
  readonly #connection: Connection;
  /** Why we closed it; null while open or where it died by itself. */
  #reason: AirlockError | null = null;
  #ended = false;
  inFlight = 0;
  readonly #ears = new Map<string, ChannelEars>();

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  get isOpen(): boolean {
    return this.#connection.isOpen && this.#reason === null;
  }

  /** `open`, once. @throws AirlockError what the cell answered, or UNAVAILABLE. */
  async open(params: CellOpenParams): Promise<void> {
    await this.#call('open', params, GATEWAY_LIMITS.cellFirstByteMs);
  }

  /** `execute`, as often as wanted, many at a time. @throws AirlockError of the cell, or why it ended. */
  execute(params: CellExecuteParams, ears: ChannelEars | null = null): Promise<CellResult> {
    if (params.exchange !== undefined) return this.#executeHeard(params, params.exchange, ears);
    return this.#call('execute', params, GATEWAY_LIMITS.cellExecuteMs) as Promise<CellResult>;
  }

  async #executeHeard(params: CellExecuteParams, exchange: ExchangeOrder, ears: ChannelEars | null): Promise<CellResult> {
    const { cellExecuteMs, cellExchangeMs } = GATEWAY_LIMITS;
    if (ears !== null) this.#ears.set(exchange.channel, ears);
    try {
      return (await this.#call('execute', params, exchange.mcp === undefined ? cellExecuteMs : cellExchangeMs)) as CellResult;
    } finally {
      this.#ears.delete(exchange.channel);
    }
  }

  /** Who listens to a call of this cell that is in flight. */
  earsOf(channel: string): ChannelEars | null {
    return this.#ears.get(channel) ?? null;
  }

  /** `reply`. @throws AirlockError of the cell, FRAME_TOO_LARGE, or why it ended */
  async reply(reply: ExchangeReply): Promise<void> {
    await this.#call('reply', reply, GATEWAY_LIMITS.cellFirstByteMs);
  }

  /** `cancel`: what comes of it is the answer of the call. */
  cancel(channel: string): void {
    this.#call('cancel', { channel }, GATEWAY_LIMITS.cellFirstByteMs).catch(() => undefined);
  }

  /** `prepare`: every check of `execute`, nothing done. @throws AirlockError of the cell, or why it ended. */
  async prepare(params: CellPrepareParams): Promise<void> {
    await this.#call('prepare', params, GATEWAY_LIMITS.cellFirstByteMs);
  }

  /** `rotated`: the answer to its CellRotate. @throws AirlockError why it ended */
  async rotated(ok: boolean): Promise<void> {
    await this.#call('rotated', { ok }, GATEWAY_LIMITS.cellFirstByteMs);
  }

  /** `test`, once, in a trial. @throws AirlockError with data.found */
  async test(): Promise<CellTestResult> {
    return (await this.#call('test', {}, GATEWAY_LIMITS.cellTrialMs)) as CellTestResult;
  }

  /** Ends cell and calls in flight with this reason. */
  close(reason: AirlockError): void {
    this.#reason ??= reason;
    this.#connection.close(reason);
  }

  /** Noted by the connection's end. */
  markEnded(): void {
    this.#ended = true;
  }

  #call(method: string, params: object, timeoutMs: number): Promise<unknown> {
    this.inFlight += 1;
    return this.#connection
      .call(method, params, { timeoutMs })
      .catch((thrown: unknown) => {
        throw this.#reason ?? (this.#ended ? died() : thrown);
      })
      .finally(() => {
        this.inFlight -= 1;
      });
  }
}

/**
 * Connects to a slot. The instance behind it may still be starting.
 * @throws AirlockError UNAVAILABLE
 */
export const connectCell = async ({
  path,
  timers,
  onClose,
  onListed,
  onEvent,
  onCodeAsked,
  onSaid,
  onRotate,
}: CellOptions): Promise<Cell> => {
  let cell: Cell | null = null;
  const connection = await connectSocket(path, {
    timers,
    connectTimeoutMs: GATEWAY_LIMITS.cellFirstByteMs,
    notifications: cellNotifications({
      ...{ timers, onListed, onEvent, onCodeAsked, onSaid },
      onRotate: (rotate) => {
        if (cell !== null) onRotate(rotate, cell);
      },
      earsOf: (channel) => cell?.earsOf(channel) ?? null,
      onBroken: (error) => cell?.close(error),
    }),
    onClose: () => {
      cell?.markEnded();
      onClose();
    },
  });
  cell = new Cell(connection);
  return cell;
};
