/**
 * Rewrites one FETCH answer into a form in which node-imap's parser cannot go wrong: texts quoted with `\"` and `\\`
 * only, cut, without control characters; body values always as literals, their `<offset>` taken away.
 *
 * MAIL-8  Parentheses nest at most LIMITS.maxNesting deep and are balanced; anything else closes the connection.
 */
import { LIMITS } from '../limits.js';
import { WireViolation } from './violation.js';

const ATOM = /[^ ()"]+/y;
const PLAIN_ATOM = /^[A-Za-z0-9.:+*-]+$/;
const BODY_KEY = /^BODY\[[A-Za-z0-9.() "-]{0,300}\]$/i;

const refuse = (reason: string): never => {
  throw new WireViolation('server', reason);
};

/** NUL is node-imap's placeholder for literals, and its `.` stops at the UTF-8 of U+2028 and U+2029. */

const UNSAFE = /[\x00-\x1f\x7f]|\xe2\x80[\xa8\xa9]/g;

const quoted = (text: string): string => {
  const cut = text.slice(0, LIMITS.maxFetchTextBytes);
  const plain = cut.replace(UNSAFE, ' ').replace(/BODY\[/gi, 'BODY(');
  return `"${plain.replace(/["\\]/g, '\\$&')}"`;
};

/** One FETCH answer in the making; fed with its line segments and literals in order. */
export class FetchLine {
  #depth = 0;
  #seen = false;
  #bodyValue = false;
  readonly #emit: (text: string) => void;

  constructor(emit: (text: string) => void) {
    this.#emit = emit;
  }

  /** Whether the literal that follows is a body, to be passed through. */
  get expectsBody(): boolean {
    return this.#bodyValue;
  }

  /** A body literal of this size follows. */
  announceBody(size: number): void {
    this.#bodyValue = false;
    this.#emit(` {${size}}\r\n`);
  }

  /** A literal that is no body, whole. */
  textLiteral(bytes: Buffer): void {
    this.#emit(quoted(bytes.toString('latin1')));
  }

  /** A segment without its CR LF and without a literal's announcement. */
  segment(text: string): void {
    let out = '';
    for (let at = 0; at < text.length;) {
      const [piece, next] = this.#tokenAt(text, at);
      out += piece;
      at = next;
    }
    this.#emit(out);
  }

  /** The answer is over. */
  end(): void {
    if (this.#depth !== 0 || !this.#seen || this.#bodyValue) refuse('unbalanced FETCH answer');
    this.#emit('\r\n');
  }

  #nest(char: '(' | ')'): void {
    this.#seen = true;
    this.#depth += char === '(' ? 1 : -1;
    if (this.#depth < 0) refuse('unbalanced FETCH answer');
    if (this.#depth > LIMITS.maxNesting) refuse('nested too deep');
  }

  #tokenAt(text: string, at: number): readonly [string, number] {
    const char = text.charAt(at);
    if (char === ' ') return [this.#bodyValue ? '' : ' ', at + 1];
    if (char === '"') {
      const [value, next] = this.#quotedAt(text, at);
      return [this.#bodyValue ? this.#inlineBody(value) : quoted(value), next];
    }
    if (this.#bodyValue) return this.#nilBody(text, at);
    if (char === '(' || char === ')') {
      this.#nest(char);
      return [char, at + 1];
    }
    return /^BODY\[/i.test(text.slice(at, at + 5)) ? this.#sectionAt(text, at) : this.#atomAt(text, at);
  }

  #inlineBody(value: string): string {
    this.#bodyValue = false;
    return ` {${value.length}}\r\n${value}`;
  }

  #nilBody(text: string, at: number): readonly [string, number] {
    if (!/^NIL(?![^ )])/i.test(text.slice(at, at + 4))) refuse('unreadable body value');
    return [this.#inlineBody(''), at + 3];
  }

  #quotedAt(text: string, from: number): readonly [string, number] {
    let value = '';
    let start = from + 1;
    for (let at = start; at < text.length; at += 1) {
      const char = text.charAt(at);
      if (char === '\\') {
        value += text.slice(start, at);
        at += 1;
        start = at;
      } else if (char === '"') {
        return [value + text.slice(start, at), at + 1];
      }
    }
    return refuse('quoted string without end');
  }

  /** `BODY[…]`, whose brackets may hold blanks and parentheses; an `<offset>` behind them is dropped. */
  #sectionAt(text: string, from: number): readonly [string, number] {
    const end = text.indexOf(']', from);
    const section = text.slice(from, end + 1);
    if (!BODY_KEY.test(section)) return refuse('unreadable BODY section');
    const offset = /^<[0-9]{1,10}>/.exec(text.slice(end + 1, end + 14));
    this.#bodyValue = true;
    return [section.replace(/"/g, ''), end + 1 + (offset?.[0].length ?? 0)];
  }

  #atomAt(text: string, from: number): readonly [string, number] {
    ATOM.lastIndex = from;
    const atom = ATOM.exec(text)?.[0] ?? refuse('unreadable FETCH answer');
    return [PLAIN_ATOM.test(atom) ? atom : quoted(atom), from + atom.length];
  }
}
