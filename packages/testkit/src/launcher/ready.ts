/** Waits until both daemons answer and know of each other. */
import { connectSocket } from '@airlock/ipc';
import { AirlockError, type ApproveStatus, type GatewayStatus } from '@airlock/protocol';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Layout } from './layout.js';

const READY_TIMEOUT_MS = 15_000;
const RETRY_MS = 25;

const ask = async <T>(path: string, method: string): Promise<T> => {
  const connection = await connectSocket(path);
  try {
    return (await connection.call(method, {}, { timeoutMs: READY_TIMEOUT_MS })) as T;
  } finally {
    connection.close();
  }
};

const isReady = async (layout: Layout, operator: string): Promise<boolean> => {
  await ask<ApproveStatus>(join(layout.run, `approve/${operator}.sock`), 'status');
  const gateway = await ask<GatewayStatus>(join(layout.run, `operator/${operator}.sock`), 'status');
  return gateway.sealed !== null || gateway.heartbeatAgeMs !== null;
};

/** Public keys of the log heads, where `audit verify` looks for them. */
const writeKeys = async (layout: Layout): Promise<void> => {
  const { keys } = await ask<{ keys: Readonly<Record<string, string>> }>(join(layout.run, 'root.sock'), 'keys');
  mkdirSync(join(layout.config, 'keys'), { recursive: true, mode: 0o700 });
  for (const [name, key] of Object.entries(keys)) writeFileSync(join(layout.config, 'keys', `${name}.vkey`), `${key}\n`);
};

/** @throws AirlockError UNAVAILABLE when nothing answers in time */
export const waitReady = async (layout: Layout, operator: string): Promise<void> => {
  const end = performance.now() + READY_TIMEOUT_MS;
  let last: unknown;
  while (performance.now() < end) {
    try {
      if (await isReady(layout, operator)) return await writeKeys(layout);
    } catch (error) {
      last = error;
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
  throw new AirlockError('UNAVAILABLE', `the daemons do not answer${last instanceof Error ? `: ${last.message}` : ''}`, {
    hint: 'look at what they print above',
  });
};
