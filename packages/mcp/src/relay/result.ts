/** The result of an upstream as the client's revision has it. */
import type { Result } from '@modelcontextprotocol/server';
import type { Json } from '@airlock/protocol';
import { isMembers, type Members, type Revision } from './calls.js';

/** Members that 2026-07-28 puts on results; the SDK writes its own, and 2025-11-25 has none. */
const ENVELOPE = 'io.modelcontextprotocol/';

const withoutEnvelope = (meta: unknown): Members | undefined => {
  if (!isMembers(meta)) return undefined;
  const kept = Object.entries(meta).filter(([key]) => !key.startsWith(`${ENVELOPE}serverInfo`));
  return kept.length === 0 ? undefined : Object.fromEntries(kept);
};

/** Members that are about caching, which only 2026-07-28 has. */
const CACHING = ['ttlMs', 'cacheScope'];

/** Member for member, but for what belongs to the revision that the upstream was spoken with. */
export const relayed = (result: Json, revision: Revision): Result => {
  const { resultType, _meta, ...rest } = isMembers(result) ? result : {};
  const meta = withoutEnvelope(_meta);
  const { ttlMs } = rest;
  return {
    ...Object.fromEntries(Object.entries(rest).filter(([name]) => !CACHING.includes(name))),
    ...(meta === undefined ? {} : { _meta: meta }),
    ...(resultType === 'input_required' ? { resultType } : {}),
    // RELAY-5: an answer under one agent's lease is nobody else's.
    ...(revision === '2026-07-28' && typeof ttlMs === 'number' ? { ttlMs, cacheScope: 'private' } : {}),
  };
};
