/**
 * A clock that only moves while no call is under way: its jumps are hours for what lives by seconds, as no clock's are.
 */
export class Hourglass {
  readonly #advance: (ms: number) => void;
  #inside = 0;
  #emptied: () => void = () => undefined;
  #moving: Promise<void> | null = null;

  constructor(advance: (ms: number) => void) {
    this.#advance = advance;
  }

  /** With the clock at rest; as many at once as want to. */
  async still<T>(work: () => Promise<T>): Promise<T> {
    while (this.#moving !== null) await this.#moving;
    this.#inside += 1;
    try {
      return await work();
    } finally {
      this.#inside -= 1;
      if (this.#inside === 0) this.#emptied();
    }
  }

  /** Once what is under way has ended; what comes after waits. */
  async move(ms: number): Promise<void> {
    const turn = (this.#moving ?? Promise.resolve()).then(async () => {
      if (this.#inside > 0) await new Promise<void>((resolve) => (this.#emptied = resolve));
      this.#advance(ms);
    });
    this.#moving = turn;
    await turn;
    if (this.#moving === turn) this.#moving = null;
  }
}
