/** Tells airlock-totp over presence.sock, again and again until it was answered. */
import { connectSocket, type Connection } from '@airlock/ipc';
import type { Timers } from '@airlock/protocol';
import { PRESENCE_LIMITS } from './limits.js';
import type { Sights } from './sights.js';

export class Teller {
  readonly #path: string;
  readonly #sights: Sights;
  readonly #timers: Timers;
  readonly #log: (line: string) => void;
  /** In order: a sleep that was over before it could be told froze all the same. */
  readonly #sleeps: boolean[] = [];
  #link: Connection | null = null;
  #isTelling = false;
  #again = false;
  #isCutOff = false;

  constructor(path: string, sights: Sights, timers: Timers, log: (line: string) => void) {
    this.#path = path;
    this.#sights = sights;
    this.#timers = timers;
    this.#log = log;
  }

  sleep(asleep: boolean): void {
    this.#sleeps.push(asleep);
    this.tell();
  }

  /** Something changed, or it is time. At most one report is under way. */
  tell(): void {
    this.#again = true;
    if (!this.#isTelling) void this.#run();
  }

  async #run(): Promise<void> {
    this.#isTelling = true;
    while (this.#again) {
      this.#again = false;
      try {
        await this.#once();
        this.#say(false, 'airlock-totp answers');
      } catch (thrown) {
        this.#say(true, thrown instanceof Error ? thrown.message : 'airlock-totp does not answer');
        this.#link?.close();
        this.#link = null;
        this.#again = true;
        await new Promise<void>((resolve) => this.#timers.after(PRESENCE_LIMITS.retryMs, resolve));
      }
    }
    this.#isTelling = false;
  }

  async #once(): Promise<void> {
    const link = (this.#link ??= await connectSocket(this.#path, { onClose: () => (this.#link = null), timers: this.#timers }));
    const options = { timeoutMs: PRESENCE_LIMITS.reportTimeoutMs };
    for (let [asleep] = this.#sleeps; asleep !== undefined; [asleep] = this.#sleeps) {
      await link.call('sleep', { asleep }, options);
      this.#sleeps.shift();
    }
    const { report, upTo } = this.#sights.report();
    await link.call('report', report, options);
    this.#sights.told(upTo);
  }

  #say(isCutOff: boolean, line: string): void {
    if (isCutOff !== this.#isCutOff) this.#log(line);
    this.#isCutOff = isCutOff;
  }
}

/** PRESENCE-8: one freeze for sleep, answered, or an error. @throws AirlockError */
export const freezeForSleep = async (path: string): Promise<void> => {
  const link = await connectSocket(path);
  try {
    await link.call('sleep', { asleep: true }, { timeoutMs: PRESENCE_LIMITS.reportTimeoutMs });
  } finally {
    link.close();
  }
};
