/** What a cell says without being asked, looked at like a stranger's words: a cell that says something else is ended. */
import type { NotificationTable } from '@airlock/ipc';
import {
  AirlockError,
  EventMeter,
  SERVICE_EVENTS,
  asAirlockError,
  validatorOf,
  type CellEvent,
  type CellRotate,
  type CellWithheld,
  type Timers,
} from '@airlock/protocol';
import type { ChannelEars } from '../exchange/channel.js';
import { GATEWAY_LIMITS } from '../limits.js';

export interface Hearing {
  readonly timers: Timers;
  /** Anything; see PoolOptions.onListed. */
  readonly onListed: (listed: unknown) => void;
  /** What the service says outside calls. */
  readonly onEvent: (event: CellEvent) => void;
  /** The service asked for a one-time code where nobody can talk with it; told once. */
  readonly onCodeAsked: () => void;
  /** What the program of the service wrote to stderr last. */
  readonly onSaid: (text: string) => void;
  readonly onRotate: (rotate: CellRotate) => void;
  /** Who listens to a call in flight in this cell, and no other. */
  readonly earsOf: (channel: string) => ChannelEars | null;
  /** The cell said what may not be said. */
  readonly onBroken: (error: AirlockError) => void;
}

/** The notifications that a cell may send. */
export const cellNotifications = ({
  timers,
  onListed,
  onEvent,
  onCodeAsked,
  onSaid,
  onRotate,
  earsOf,
  onBroken,
}: Hearing): NotificationTable<undefined> => {
  const meter = new EventMeter(SERVICE_EVENTS);
  const all = new EventMeter({ perSecond: GATEWAY_LIMITS.maxCellEventsPerSecond, events: Infinity, bytes: Infinity });
  const guarded =
    (work: (params: object) => void) =>
    (params: object): void => {
      try {
        if (!all.take(0, timers.nowMs())) throw new AirlockError('UPSTREAM_REFUSED', 'the cell of this service says too much');
        work(params);
      } catch (thrown) {
        onBroken(asAirlockError(thrown));
      }
    };
  const event = (told: CellEvent): void => {
    if (told.channel !== undefined) earsOf(told.channel)?.event(told);
    else if (meter.take(0, timers.nowMs())) onEvent(told);
  };
  let isNoted = false;
  const withheld = (told: CellWithheld): void => {
    if (told.channel !== undefined) return earsOf(told.channel)?.withheld(told);
    if (told.why === 'code' && !isNoted) onCodeAsked();
    isNoted ||= told.why === 'code';
  };
  return {
    listed: { params: () => null, handle: guarded((params) => onListed((params as { readonly listed?: unknown }).listed)) },
    event: { params: validatorOf('cell.event'), handle: guarded((params) => event(params as CellEvent)) },
    rotate: { params: validatorOf('cell.rotate'), handle: guarded((params) => onRotate(params as CellRotate)) },
    said: { params: validatorOf('cell.said'), handle: guarded((params) => onSaid((params as { readonly text: string }).text)) },
    withheld: { params: validatorOf('cell.withheld'), handle: guarded((params) => withheld(params as CellWithheld)) },
  };
};
