/** Time that only a test moves. */
import type { Clock } from '@airlock/protocol';

export class ManualClock implements Clock {
  wall = 1_790_000_000_000;
  boot = 1_000_000;

  wallMs(): number {
    return this.wall;
  }

  bootMs(): number {
    return this.boot;
  }

  advance(ms: number): void {
    this.wall += ms;
    this.boot += ms;
  }
}
