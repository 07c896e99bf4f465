/** Hears logind, reads its state after each signal and every few seconds, and has airlock-totp told. */
import type { TimerHandle, Timers } from '@airlock/protocol';
import { BUS, openBus, type Bus } from './bus/bus.js';
import type { Message } from './bus/message.js';
import { PRESENCE_LIMITS } from './limits.js';
import {
  isPreparingForSleep,
  LOGIND,
  MANAGER_INTERFACE,
  ownerOf,
  PROPERTIES,
  propertiesOf,
  readSessions,
  SESSION_INTERFACE,
  subscribe,
} from './logind.js';
import { Spaced } from './spaced.js';
import type { Sights } from './sights.js';
import type { Teller } from './teller.js';

export interface WatcherOptions {
  readonly address: string;
  readonly sights: Sights;
  readonly teller: Teller;
  readonly timers: Timers;
  /** Uid → operators, as it stands now. */
  readonly owners: () => ReadonlyMap<number, readonly string[]>;
  readonly log: (line: string) => void;
}

export class Watcher {
  readonly #options: WatcherOptions;
  #bus: Bus | null = null;
  /** Unique name of logind; signals of nobody else count (PRESENCE-9). */
  #owner: string | null = null;
  /** PRESENCE-9: whatever asks for it, logind is read with a pause between. */
  readonly #reading: Spaced;
  #isOvertaken = false;
  #waking: TimerHandle | null = null;
  #retry: TimerHandle | null = null;
  #said = '';

  constructor(options: WatcherOptions) {
    this.#options = options;
    this.#reading = new Spaced(() => this.#readOnce(), options.timers, PRESENCE_LIMITS.readPauseMs);
  }

  /** Runs as long as the process. */
  start(): void {
    void this.#connect();
    this.#beat();
  }

  #beat(): void {
    const { timers, teller } = this.#options;
    if (this.#owner !== null) void this.#read(false);
    teller.tell();
    timers.after(PRESENCE_LIMITS.heartbeatMs, () => this.#beat());
  }

  async #connect(): Promise<void> {
    const { address, timers } = this.#options;
    this.#retry = null;
    try {
      const bus = await openBus(address, {
        timers,
        isHeard: (sender) => sender === BUS || sender === this.#owner,
        onSignal: (signal) => this.#onSignal(signal),
        onClose: (reason) => this.#onLost(reason),
      });
      this.#bus = bus;
      await subscribe(bus);
      await this.#greet(await ownerOf(bus));
    } catch (thrown) {
      const reason = thrown instanceof Error ? thrown.message : 'the bus does not answer';
      if (this.#bus === null) this.#onLost(reason);
      else this.#bus.close(reason);
    }
  }

  /** A bus that could not be opened, or one that closed: told by both ends, and tried again once. */
  #onLost(reason: string): void {
    const { sights, teller, timers } = this.#options;
    this.#bus = null;
    this.#owner = null;
    this.#say(reason);
    sights.lose();
    teller.tell();
    this.#retry ??= timers.after(PRESENCE_LIMITS.retryMs, () => void this.#connect());
  }

  /** Logind is there under this name, or is not there. */
  async #greet(owner: string | null): Promise<void> {
    const { sights, teller } = this.#options;
    this.#owner = owner;
    if (owner === null || this.#bus === null) {
      this.#say(`nobody owns ${LOGIND}`);
      sights.lose();
      return teller.tell();
    }
    // A sleep that was begun while nobody heard, or one whose end nobody heard.
    teller.sleep(await isPreparingForSleep(this.#bus));
    await this.#read();
    this.#say('logind answers');
  }

  /** @param overtakes what is being read is worth nothing: a signal that matters came after it was asked for */
  #read(overtakes = true): Promise<void> {
    this.#isOvertaken ||= overtakes;
    return this.#reading.ask();
  }

  async #readOnce(): Promise<void> {
    const { sights, teller, owners } = this.#options;
    const bus = this.#bus;
    if (bus === null || this.#owner === null) return;
    try {
      this.#isOvertaken = false;
      const known = owners();
      const sessions = await readSessions(bus, (uid) => known.has(uid));
      // Whoever set the flag has asked for another reading.
      if (this.#wasOvertaken() || this.#bus !== bus) return;
      sights.replace(sessions, known);
      teller.tell();
    } catch (thrown) {
      bus.close(thrown instanceof Error ? thrown.message : 'logind does not answer');
    }
  }

  #wasOvertaken(): boolean {
    return this.#isOvertaken;
  }

  #onSignal({ sender, interface: iface, member, path = '', body }: Message): void {
    if (sender === BUS && member === 'NameOwnerChanged' && body[0] === LOGIND) {
      const next = body[2];
      return void this.#greet(typeof next === 'string' && next !== '' ? next : null).catch(() =>
        this.#bus?.close('logind does not answer'),
      );
    }
    if (sender === undefined || sender !== this.#owner) return;
    if (iface === MANAGER_INTERFACE && member === 'PrepareForSleep') return this.#onSleep(body[0] === true);
    if (iface === MANAGER_INTERFACE && (member === 'SessionNew' || member === 'SessionRemoved')) return void this.#read();
    if (iface === SESSION_INTERFACE && (member === 'Lock' || member === 'Unlock')) return this.#onAsked(path, member === 'Lock');
    if (iface === PROPERTIES && member === 'PropertiesChanged' && body[0] === SESSION_INTERFACE) {
      const { sights, teller } = this.#options;
      const isWatched = sights.isWatched(path);
      sights.properties(path, propertiesOf(body[1]));
      if (isWatched) teller.tell();
      void this.#read(isWatched);
    }
  }

  #onAsked(path: string, lock: boolean): void {
    const { sights, teller, timers } = this.#options;
    sights.asked(path, lock);
    teller.tell();
    if (lock) timers.after(PRESENCE_LIMITS.askedLockMs, () => teller.tell());
  }

  /** PRESENCE-8: waking counts a little later, unless the machine falls asleep again. */
  #onSleep(asleep: boolean): void {
    const { teller, timers } = this.#options;
    this.#waking?.cancel();
    this.#waking = asleep ? null : timers.after(PRESENCE_LIMITS.wakeMs, () => teller.sleep(false));
    if (asleep) teller.sleep(true);
  }

  #say(line: string): void {
    if (line !== this.#said) this.#options.log(line);
    this.#said = line;
  }
}
