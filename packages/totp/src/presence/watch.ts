/** What airlock-presence says, applied to every operator, and its silence (PRESENCE-6). */
import type { PresenceReport, PresenceView } from '@airlock/protocol';
import type { Desk } from '../operators/desk.js';
import type { House } from '../operators/house.js';
import { decideReport, decideSilence, freeze, notConfigured, thaw } from './decide.js';
import { applyFreeze, applyPresence, presenceOf } from './freeze.js';

interface Heard {
  readonly bootMs: number;
  /** Of the last report by which logind answered. */
  readonly seenMs: number;
  readonly available: boolean;
  readonly sessions: number;
}

type Watched = Pick<House, 'clock' | 'config' | 'desks'>;

export class PresenceWatch {
  readonly #house: Watched;
  readonly #startMs: number;
  readonly #heard = new Map<string, Heard>();

  constructor(house: Watched) {
    this.#house = house;
    this.#startMs = house.clock.bootMs();
  }

  /** PRESENCE-10: whoever is not in the configuration is passed over. */
  report({ available, operators }: PresenceReport): void {
    const { desks, config, clock } = this.#house;
    for (const seen of operators) {
      const desk = desks.get(seen.operator);
      if (desk === undefined) continue;
      const bootMs = clock.bootMs();
      const seenMs = available ? bootMs : this.#seenMs(seen.operator);
      this.#heard.set(seen.operator, { bootMs, seenMs, available, sessions: seen.sessions });
      // Before the enrolment there is nothing to freeze, and no state to keep it in.
      if (desk.isEnrolled) applyPresence(desk, decideReport(presenceOf(desk.state), available, seen, config.presence));
    }
  }

  /** The machine goes to sleep, or has woken: all operators. */
  sleep(asleep: boolean): void {
    const { config } = this.#house;
    const { mode, freezeOn } = config.presence;
    for (const desk of this.#enrolled()) {
      const state = presenceOf(desk.state);
      if (!asleep) {
        const settled = thaw(state, ['sleep']);
        applyPresence(desk, { rose: [], frozen: settled, settled });
      } else if (mode !== 'off' && freezeOn.includes('sleep')) applyFreeze(desk, ['sleep'], freeze(state, ['sleep']));
    }
  }

  /** At the start: what the configuration no longer freezes for is thawed. */
  begin(): void {
    const { config } = this.#house;
    for (const desk of this.#enrolled()) {
      const state = presenceOf(desk.state);
      const settled = thaw(state, notConfigured(state, config.presence));
      applyPresence(desk, { rose: [], frozen: settled, settled });
    }
  }

  /** At each tick: silence freezes. */
  tick(): void {
    const { config, clock } = this.#house;
    const now = clock.bootMs();
    for (const desk of this.#enrolled()) {
      const state = presenceOf(desk.state);
      const rose = decideSilence(state, now - this.#seenMs(desk.operator), config.presence);
      if (rose.length > 0) applyFreeze(desk, rose, freeze(state, rose));
    }
  }

  /** When anybody could last say whether this operator was there. */
  #seenMs(operator: string): number {
    return this.#heard.get(operator)?.seenMs ?? this.#startMs;
  }

  #enrolled(): readonly Desk[] {
    return [...this.#house.desks.values()].filter(({ isEnrolled }) => isEnrolled);
  }

  /** For status and doctor. */
  view(desk: Desk): PresenceView {
    const { config, clock } = this.#house;
    const { held, waived, seated } = presenceOf(desk.state);
    const heard = this.#heard.get(desk.operator);
    return {
      mode: config.presence.mode,
      reasons: held,
      waived,
      seated,
      heardS: heard === undefined ? null : Math.floor((clock.bootMs() - heard.bootMs) / 1000),
      available: heard?.available ?? null,
      sessions: heard?.sessions ?? null,
    };
  }
}
