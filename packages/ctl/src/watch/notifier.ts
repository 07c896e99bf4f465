/** Which notification is on display for which request (NOTIFY-3). One after the other, so that an id is known before it is replaced. */
import type { RequestView } from '@airlock/protocol';
import { alertNotification, askedNotification, decidedNotification, type Notification, type Outcome } from './notification.js';

export interface NotifierOptions {
  /** Shows one; `replaces` is what it gave for an earlier one. */
  readonly send: (notification: Notification, replaces: string | null) => Promise<string | null>;
  /** Told of what could not be shown; watching goes on. */
  readonly onFailure: (error: unknown) => void;
  readonly nowMs: () => number;
}

interface Shown {
  readonly request: RequestView;
  readonly id: string | null;
}

export class Notifier {
  readonly #options: NotifierOptions;
  readonly #shown = new Map<string, Shown>();
  #last: Promise<void> = Promise.resolve();

  constructor(options: NotifierOptions) {
    this.#options = options;
  }

  /** A request is in front; once each, however often it is told. */
  fronted(request: RequestView): void {
    this.#queue(async () => {
      if (this.#shown.has(request.id)) return;
      this.#shown.set(request.id, { request, id: null });
      const id = await this.#options.send(askedNotification(request, this.#options.nowMs()), null);
      this.#shown.set(request.id, { request, id });
    });
  }

  /** A request was decided; of one that was never shown there is nothing to say. */
  decided(request: string, outcome: Outcome): void {
    this.#queue(async () => {
      const shown = this.#shown.get(request);
      this.#shown.delete(request);
      if (shown !== undefined) await this.#options.send(decidedNotification(shown.request, outcome), shown.id);
    });
  }

  /** Stays until somebody takes it away. */
  alert(text: string): void {
    this.#queue(async () => {
      await this.#options.send(alertNotification(text), null);
    });
  }

  /** What waits, after a connection was lost: whatever was shown and is not there was decided meanwhile. */
  pending(ids: ReadonlySet<string>): void {
    this.#queue(async () => {
      for (const [id, shown] of [...this.#shown]) {
        if (ids.has(id)) continue;
        this.#shown.delete(id);
        await this.#options.send(decidedNotification(shown.request, 'gone'), shown.id);
      }
    });
  }

  /** Resolves when all that was asked for is shown. */
  settled(): Promise<void> {
    return this.#last;
  }

  #queue(work: () => Promise<void>): void {
    this.#last = this.#last.then(work).catch(this.#options.onFailure);
  }
}
