/** What every part of the daemon shares. Built once by runTotp; nothing here is global. */
import { AirlockError, type Clock, type CompiledConfig, type Timers } from '@airlock/protocol';
import type { OpenRestore } from '../backup/open-restore.js';
import type { AuditAlert } from '../heads/alert.js';
import type { Heads } from '../heads/heads.js';
import type { Journal } from '../heads/journal.js';
import type { ShownTexts } from '../heads/shown.js';
import type { Now } from '../queue/state.js';
import type { PresenceWatch } from '../presence/watch.js';
import { stepAt } from '../codes/totp.js';
import type { LeaseKey } from '../register/lease-key.js';
import type { StateDirectory } from '../state/directory.js';
import type { Random } from '../state/random.js';
import type { ActionTickets } from '../tickets/action-tickets.js';
import type { ReleaseTickets } from '../tickets/release-tickets.js';
import type { Changes } from './changes.js';
import type { Desk } from './desk.js';

/** Those who have to know what changed: bridge, subscribed terminals, waiting actions, open releases. */
export type ChangeListener = (desk: Desk, changes: Changes) => void;

export interface House {
  readonly clock: Clock;
  readonly bootId: string;
  readonly config: CompiledConfig;
  readonly random: Random;
  readonly timers: Timers;
  readonly directory: StateDirectory;
  readonly wrappingKey: Buffer;
  readonly journal: Journal;
  readonly heads: Heads;
  readonly alert: AuditAlert;
  readonly presence: PresenceWatch;
  readonly leaseKey: LeaseKey;
  readonly actionTickets: ActionTickets;
  readonly releaseTickets: ReleaseTickets;
  readonly openRestore: OpenRestore;
  readonly shownTexts: ShownTexts;
  readonly desks: ReadonlyMap<string, Desk>;
  readonly listeners: Set<ChangeListener>;
  /** Called when an operator's enrolment changed. */
  readonly enrolledListeners: Set<(operator: string, enrolled: boolean) => void>;
  /** Called when the lease key was changed. */
  readonly rotatedListeners: Set<() => void>;
  /** Ends this process, once what was answered has left; it is started again on its state. */
  restart(): void;
  /** Why the daemon serves nothing but diagnosis, or null. */
  sealed(): AirlockError | null;
  /** Serves nothing but diagnosis from here on; the first reason stays. */
  seal(reason: AirlockError): void;
}

export const nowOf = ({ clock, bootId, config }: Pick<House, 'clock' | 'bootId' | 'config'>): Now => {
  const wallMs = clock.wallMs();
  const { periodS } = config.totp;
  return { wallMs, bootMs: clock.bootMs(), bootId, step: stepAt(wallMs, periodS), periodS };
};

/** @throws AirlockError NOT_FOUND */
export const deskOf = (house: House, operator: string): Desk => {
  const desk = house.desks.get(operator);
  if (desk === undefined) {
    throw new AirlockError('NOT_FOUND', 'no operator has this name', {
      hint: `the operators are: ${[...house.desks.keys()].join(', ')}`,
    });
  }
  return desk;
};

/** @throws AirlockError the reason, while the daemon is sealed. */
export const requireOpen = (house: House): void => {
  const reason = house.sealed();
  if (reason !== null) throw reason;
};
