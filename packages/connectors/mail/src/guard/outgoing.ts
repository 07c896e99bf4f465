/**
 * What the client writes, cut into commands and checked before a byte goes on.
 *
 * MAIL-4  Nothing of a line leaves before the line has been checked.
 * MAIL-5  A literal is announced as `{n}`, never `{n+}`; its bytes leave only after the server asked for them,
 *         so a refused literal cannot be read as a command.
 * MAIL-2  APPEND is no grammar: it leaves where it was armed, once, with exactly the folder, flags and bytes it was armed with.
 */
import { LIMITS } from '../limits.js';
import { LITERAL, mayPrecedeLiteral, splitTag, verbOfWhole } from './command.js';
import { WireViolation } from './violation.js';

const ANNOUNCED = /\{([0-9]{1,7})\}$/;

const LINE_BREAKING = /[\r\n\0]/;

/** A piece `<offset.length>` that node-imap cannot ask for; put behind `BODY.PEEK[section]` of the next FETCH. */
export interface Piece {
  readonly section: string;
  readonly offset: number;
  readonly length: number;
}

/** One message to be added to one folder. */
export interface Append {
  /** Name of the folder as on the wire. */
  readonly wireName: string;
  readonly bytes: Buffer;
}

/** RFC 3501 §6.3.11: seen, for a draft is nobody's new mail. */
const headOf = ({ wireName }: Append): string => `APPEND "${wireName.replace(/[\\"]/g, '\\$&')}" (\\Draft \\Seen) `;

export interface OutgoingEvents {
  /** Checked bytes for the socket. */
  readonly forward: (bytes: Buffer) => void;
  /** A complete command has left. */
  readonly command: (verb: string, tag: string) => void;
  /** The armed APPEND was announced; from here on `tag` is its tag. */
  readonly announced: (tag: string) => void;
  /** Its bytes leave. */
  readonly appending: () => void;
}

const refuse = (reason: string): never => {
  throw new WireViolation('client', reason);
};

/** Parser of the client's side. `feed` throws WireViolation and must not be called again after that. */
export class Outgoing {
  readonly #events: OutgoingEvents;
  #pending = '';
  #soFar = '';
  #literalLeft = 0;
  #literalAllowed = false;
  #used = new Set<string>();
  #piece: Piece | undefined;
  #armed: Append | null = null;
  #appending: Append | null = null;

  constructor(events: OutgoingEvents) {
    this.#events = events;
  }

  /** The next FETCH asks for this piece only. */
  askForPiece(piece: Piece): void {
    this.#piece = piece;
  }

  /** Lets this one APPEND pass (MAIL-2). */
  armAppend(append: Append): void {
    this.#armed = append;
  }

  /** The server sent a continuation request: announced literal bytes may leave (MAIL-5). */
  continued(): void {
    if (this.#literalLeft > 0) this.#literalAllowed = true;
  }

  feed(bytes: Buffer): void {
    this.#pending += bytes.toString('latin1');
    for (;;) {
      if (this.#literalLeft > 0) {
        if (!this.#takeLiteral()) return;
        continue;
      }
      const end = this.#pending.indexOf('\n');
      if (end < 0) break;
      const line = this.#pending.slice(0, end + 1);
      this.#pending = this.#pending.slice(end + 1);
      this.#takeLine(line);
    }
    if (this.#pending.length > LIMITS.maxCommandLineBytes) refuse('command line too long');
  }

  #takeLiteral(): boolean {
    if (this.#pending === '') return false;
    if (!this.#literalAllowed) refuse('literal sent before the server asked for it');
    const piece = this.#pending.slice(0, this.#literalLeft);
    if (this.#appending) this.#checkAppended(this.#appending, piece);
    else if (LINE_BREAKING.test(piece)) refuse('CR, LF or NUL in a literal');
    this.#pending = this.#pending.slice(piece.length);
    this.#literalLeft -= piece.length;
    this.#events.forward(Buffer.from(piece, 'latin1'));
    return true;
  }

  #checkAppended({ bytes }: Append, piece: string): void {
    const from = bytes.length - this.#literalLeft;
    if (bytes.toString('latin1', from, from + piece.length) !== piece) refuse('other bytes than were armed');
    this.#events.appending();
  }

  #takeLine(line: string): void {
    if (line.length > LIMITS.maxCommandLineBytes) refuse('command line too long');
    if (!line.endsWith('\r\n')) refuse('line feed without carriage return');
    const text = line.slice(0, -2);
    if (LINE_BREAKING.test(text)) refuse('CR or NUL in a command line');
    const announced = ANNOUNCED.exec(text);
    if (announced) this.#announce(text, Number(announced[1]), announced.index);
    else this.#finish(this.#soFar + text, text);
  }

  #announce(text: string, size: number, at: number): void {
    const { body, tag } = splitTag(this.#soFar + text.slice(0, at)) ?? refuse('not a command');
    if (!this.#beginAppend(body, tag, size)) {
      if (!mayPrecedeLiteral(body)) refuse('literal where none may be');
      if (size < 1 || size > LIMITS.maxCommandLiteralBytes) refuse('literal size');
    }
    this.#soFar += text.slice(0, at) + LITERAL;
    this.#literalLeft = size;
    this.#literalAllowed = false;
    this.#events.forward(Buffer.from(`${text}\r\n`, 'latin1'));
  }

  /** An APPEND is armed for one announcement, whatever becomes of it. */
  #beginAppend(body: string, tag: string, size: number): boolean {
    const armed = this.#armed;
    if (!armed || body !== headOf(armed)) return false;
    if (size !== armed.bytes.length || size < 1) refuse('literal size');
    this.#armed = null;
    this.#appending = armed;
    this.#events.announced(tag);
    return true;
  }

  #verbOf(body: string): { readonly verb: string; readonly once?: boolean } {
    const appending = this.#appending;
    this.#appending = null;
    if (appending) return body === headOf(appending) + LITERAL ? { verb: 'APPEND' } : refuse('more than was armed');
    return verbOfWhole(body) ?? refuse('command not on the list');
  }

  #finish(whole: string, lastLine: string): void {
    const { tag, body } = splitTag(whole) ?? refuse('not a command');
    const { verb, once } = this.#verbOf(body);
    if (once === true && this.#used.has(verb)) refuse('command sent twice');
    this.#used.add(verb);
    this.#soFar = '';
    this.#events.forward(Buffer.from(`${verb === 'FETCH' ? this.#withPiece(lastLine) : lastLine}\r\n`, 'latin1'));
    this.#events.command(verb, tag);
  }

  #withPiece(line: string): string {
    const piece = this.#piece;
    if (!piece) return line;
    this.#piece = undefined;
    const plain = `BODY.PEEK[${piece.section}]`;
    const narrowed = line.replace(plain, () => `${plain}<${piece.offset}.${piece.length}>`);
    const body = splitTag(narrowed)?.body ?? '';
    return verbOfWhole(body)?.verb === 'FETCH' ? narrowed : refuse('piece that is no FETCH item');
  }
}
