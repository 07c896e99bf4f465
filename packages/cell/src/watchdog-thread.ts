/** The watchdog as the main thread sees it: starts it, shows signs of life, and asks for the key once. */
import { Worker } from 'node:worker_threads';
import { fromWireError, type ReleaseLimits } from '@airlock/protocol';
import { CELL_LIMITS } from './limits.js';
import type { NextKey, ReleaseAnswer, ReleaseOrder, WatchdogData } from './release-messages.js';

export interface Granted {
  /** The record's key; whoever gets it overwrites it. */
  readonly dek: Uint8Array;
  readonly limits: ReleaseLimits;
  /** Where it was asked for; whoever gets it overwrites its key. */
  readonly next?: NextKey | null;
}

export interface WatchdogThread {
  /** Once. @throws AirlockError what airlock-totp answered, or UNAVAILABLE where it did not. */
  release(order: ReleaseOrder): Promise<Granted>;
}

export interface WatchdogThreadOptions {
  /** The file it runs. */
  readonly program: URL;
  readonly releaseSocket: string;
  /** The worker ended or failed, which it never does by itself: the cell must not go on without it. */
  readonly onLost: () => void;
}

const startWorker = ({ program, releaseSocket, onLost }: WatchdogThreadOptions, beats: SharedArrayBuffer): Worker => {
  const workerData: WatchdogData = { role: 'watchdog', beats, releaseSocket };
  const worker = new Worker(program, {
    workerData,
    argv: [],
    resourceLimits: {
      maxOldGenerationSizeMb: CELL_LIMITS.watchdogHeapMb,
      maxYoungGenerationSizeMb: CELL_LIMITS.watchdogYoungHeapMb,
    },
  });
  worker.on('error', onLost);
  worker.on('exit', onLost);
  return worker;
};

/** Starts the worker; from now on a main thread that stands still for 2 s is killed. */
export const startWatchdog = (options: WatchdogThreadOptions): WatchdogThread => {
  const beats = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
  const counter = new Int32Array(beats);
  const worker = startWorker(options, beats);
  setInterval(() => Atomics.add(counter, 0, 1), CELL_LIMITS.beatEveryMs);
  return {
    release: (order) =>
      new Promise((resolve, reject) => {
        worker.once('message', (answer: ReleaseAnswer) => {
          if (answer.kind === 'granted') resolve({ dek: answer.dek, limits: answer.limits, next: answer.next });
          else reject(fromWireError(answer.error));
        });
        worker.postMessage(order);
      }),
  };
};
