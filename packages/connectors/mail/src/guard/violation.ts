/** What the guard throws when a byte goes where none may go. */

/** @property reason which rule was broken; a constant of ours, never text of the server. */
export class WireViolation extends Error {
  readonly side: 'client' | 'server';
  readonly reason: string;

  constructor(side: 'client' | 'server', reason: string) {
    super(`wire guard: ${side}: ${reason}`);
    this.name = 'WireViolation';
    this.side = side;
    this.reason = reason;
  }
}
