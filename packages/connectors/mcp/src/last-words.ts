/**
 * What a program wrote to stderr last, told to the operator.
 *
 * UPSTREAM-7  whole lines only: a secret that was cut in two would be masked in neither half.
 */
import { MCP_LIMITS } from './limits.js';

/** The end of a text, from the first line that is whole to the last; nothing where no line is. Pure. */
export const wholeLines = (text: string, isCut: boolean): string => {
  const from = isCut ? text.indexOf('\n') + 1 : 0;
  return isCut && from === 0 ? '' : text.slice(from, text.lastIndexOf('\n') + 1);
};

export class LastWords {
  readonly #say: ((text: string) => void) | undefined;
  #text = '';
  #isCut = false;
  #told = '';
  #soon: NodeJS.Timeout | null = null;

  constructor(say: ((text: string) => void) | undefined) {
    this.#say = say;
  }

  get text(): string {
    return this.#text;
  }

  add(piece: string): void {
    const all = this.#text + piece;
    this.#isCut ||= all.length > MCP_LIMITS.maxStderrChars;
    this.#text = all.slice(-MCP_LIMITS.maxStderrChars);
    this.#soon ??= setTimeout(() => this.tell(), MCP_LIMITS.stderrMs).unref();
  }

  /** Now, where there is anything that was not told yet. */
  tell(): void {
    if (this.#soon !== null) clearTimeout(this.#soon);
    this.#soon = null;
    const lines = wholeLines(this.#text, this.#isCut);
    if (lines === '' || lines === this.#told) return;
    this.#told = lines;
    this.#say?.(lines);
  }
}
