/** A frame that was refused, and whether the connection can go on after it. */
import { AirlockError, type ErrorDetail } from './errors.js';

/** `fatal`: the text could not be parsed, so nothing after it on this connection can be trusted (WIRE-9). */
export class FrameError extends AirlockError {
  readonly fatal: boolean;

  constructor(code: 'FRAME_INVALID' | 'FRAME_TOO_LARGE', message: string, fatal: boolean, detail: ErrorDetail = {}) {
    super(code, message, detail);
    this.name = 'FrameError';
    this.fatal = fatal;
  }
}
