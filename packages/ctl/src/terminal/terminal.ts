/** The human's end: lines from a terminal or a pipe, secrets read unseen. Secrets never come from arguments. */
import { AirlockError } from '@airlock/protocol';

export interface Terminal {
  /** Both ends are a terminal, so that questions can be asked. */
  readonly isTerminal: boolean;
  out(text: string): void;
  err(text: string): void;
  /** Next line of stdin without its end; null at the end of input. Several calls may wait at once; each gets one line. */
  line(signal?: AbortSignal): Promise<string | null>;
  /** A line typed unseen on a terminal; from a pipe like `line`. */
  secret(prompt: string, signal?: AbortSignal): Promise<string | null>;
  close(): void;
}

/** Longest line taken from stdin, in characters: a credential of 64 KiB and some. */
const MAX_LINE = 100_000;

interface Waiter {
  readonly resolve: (line: string | null) => void;
}

/** Lines of a stream, one to each caller. */
export class LineReader {
  readonly #lines: string[] = [];
  readonly #waiters: Waiter[] = [];
  #rest = '';
  #ended = false;

  push(text: string): void {
    this.#rest += text;
    if (this.#rest.length > MAX_LINE) this.end();
    let at = this.#rest.indexOf('\n');
    while (at >= 0) {
      this.#give(this.#rest.slice(0, at).replace(/\r$/, ''));
      this.#rest = this.#rest.slice(at + 1);
      at = this.#rest.indexOf('\n');
    }
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    if (this.#rest !== '' && this.#rest.length <= MAX_LINE) this.#give(this.#rest);
    this.#rest = '';
    for (const { resolve } of this.#waiters.splice(0)) resolve(null);
  }

  next(signal?: AbortSignal): Promise<string | null> {
    const line = this.#lines.shift();
    if (line !== undefined) return Promise.resolve(line);
    if (this.#ended || signal?.aborted === true) return Promise.resolve(null);
    return new Promise((resolve) => {
      const waiter = { resolve };
      this.#waiters.push(waiter);
      signal?.addEventListener('abort', () => {
        const at = this.#waiters.indexOf(waiter);
        if (at >= 0) this.#waiters.splice(at, 1);
        resolve(null);
      });
    });
  }

  #give(line: string): void {
    const waiter = this.#waiters.shift();
    if (waiter) waiter.resolve(line);
    else this.#lines.push(line);
  }
}

const CTRL_C = '\u0003';
const CTRL_D = '\u0004';
const BACKSPACE = new Set(['\u007f', '\b']);

/** Reads one line from a terminal in raw mode, so that nothing of it is echoed. */
const readUnseen = (
  stdin: NodeJS.ReadStream,
  err: (text: string) => void,
  prompt: string,
  signal?: AbortSignal,
): Promise<string | null> =>
  new Promise((resolve, reject) => {
    let typed = '';
    const stop = (): void => {
      stdin.off('data', onData);
      stdin.setRawMode(false);
      stdin.pause();
      err('\n');
    };
    const finish = (line: string | null): void => {
      stop();
      resolve(line);
    };
    const onData = (chunk: Buffer | string): void => {
      for (const key of chunk.toString()) {
        if (key === '\r' || key === '\n') return finish(typed);
        if (key === CTRL_D) return finish(typed === '' ? null : typed);
        if (key === CTRL_C) {
          stop();
          return reject(
            new AirlockError('APPROVAL_DENIED', 'given up at the terminal', { hint: 'run the command again when you are ready' }),
          );
        }
        typed = BACKSPACE.has(key) ? typed.slice(0, -1) : typed + key;
      }
    };
    signal?.addEventListener('abort', () => finish(null), { once: true });
    err(prompt);
    stdin.setRawMode(true);
    stdin.on('data', onData);
    stdin.resume();
  });

/** The process's own terminal or pipes. */
export const processTerminal = (): Terminal => {
  const { stdin, stdout, stderr } = process;
  const reader = new LineReader();
  const onText = (chunk: Buffer | string): void => reader.push(chunk.toString());
  const onEnd = (): void => reader.end();
  stdin.on('end', onEnd).on('error', onEnd);
  let piped = false;
  const startPipe = (): void => {
    if (piped) return;
    piped = true;
    stdin.on('data', onText).resume();
  };
  // A secret must not be left in the line buffer, where the next question would read it.
  const stopPipe = (): void => {
    piped = false;
    stdin.off('data', onText);
  };
  const err = (text: string): void => void stderr.write(text);
  return {
    isTerminal: stdin.isTTY && stderr.isTTY,
    out: (text) => void stdout.write(text),
    err,
    line: (signal) => {
      startPipe();
      return reader.next(signal);
    },
    secret: (prompt, signal) => {
      if (stdin.isTTY) {
        stopPipe();
        return readUnseen(stdin, err, prompt, signal);
      }
      startPipe();
      return reader.next(signal);
    },
    close: () => {
      stdin.pause();
      stdin.removeAllListeners('data');
    },
  };
};
