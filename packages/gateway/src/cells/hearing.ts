/** What a cell says without being asked, looked at like a stranger's words: a cell that says something else is ended. */
import type { NotificationTable } from '@airlock/ipc';
import {
  EventMeter,
  SERVICE_EVENTS,
  asAirlockError,
  validatorOf,
  type AirlockError,
  type CellEvent,
  type CellWithheld,
  type Timers,
} from '@airlock/protocol';
import type { ChannelEars } from '../exchange/channel.js';

export interface Hearing {
  readonly timers: Timers;
  /** Anything; see PoolOptions.onListed. */
  readonly onListed: (listed: unknown) => void;
  /** What the service says outside calls. */
  readonly onEvent: (event: CellEvent) => void;
  /** Who listens to a call in flight in this cell, and no other. */
  readonly earsOf: (channel: string) => ChannelEars | null;
  /** The cell said what may not be said. */
  readonly onBroken: (error: AirlockError) => void;
}

/** The notifications that a cell may send. */
export const cellNotifications = ({ timers, onListed, onEvent, earsOf, onBroken }: Hearing): NotificationTable<undefined> => {
  const meter = new EventMeter(SERVICE_EVENTS);
  const guarded =
    (work: (params: object) => void) =>
    (params: object): void => {
      try {
        work(params);
      } catch (thrown) {
        onBroken(asAirlockError(thrown));
      }
    };
  const event = (told: CellEvent): void => {
    if (told.channel !== undefined) earsOf(told.channel)?.event(told);
    else if (meter.take(0, timers.nowMs())) onEvent(told);
  };
  const withheld = (told: CellWithheld): void => earsOf(told.channel ?? '')?.withheld(told);
  return {
    listed: { params: () => null, handle: guarded((params) => onListed((params as { readonly listed?: unknown }).listed)) },
    event: { params: validatorOf('cell.event'), handle: guarded((params) => event(params as CellEvent)) },
    withheld: { params: validatorOf('cell.withheld'), handle: guarded((params) => withheld(params as CellWithheld)) },
  };
};
