/** The durable form of an operator's state: one JSON file with a digest, so that damage is seen. */
import { canonicalWithFractions, sha256Hex, type Json } from '@airlock/protocol';
import type { OperatorState } from '../queue/state.js';
import { corrupted, type StateDirectory } from './directory.js';

interface Snapshot {
  readonly v: 1;
  readonly digest: string;
  readonly state: OperatorState;
}

const fileOf = (operator: string): string => `${operator}.state`;

const textOf = (state: OperatorState): string => canonicalWithFractions(state as unknown as Json);

/** Durable on return. @throws AirlockError VAULT_UNREADABLE */
export const writeState = (directory: StateDirectory, operator: string, state: OperatorState): void => {
  const text = textOf(state);
  directory.write(fileOf(operator), Buffer.from(`{"v":1,"digest":"${sha256Hex(text)}","state":${text}}\n`));
};

const parseSnapshot = (bytes: Buffer): Snapshot | null => {
  try {
    const value = JSON.parse(bytes.toString('utf8')) as Partial<Snapshot> | null;
    if (value?.v !== 1 || typeof value.state !== 'object') return null;
    return value.digest === sha256Hex(textOf(value.state)) ? (value as Snapshot) : null;
  } catch {
    return null;
  }
};

/** @returns null where nothing was written yet. @throws AirlockError VAULT_UNREADABLE */
export const readState = (directory: StateDirectory, operator: string): OperatorState | null => {
  const bytes = directory.read(fileOf(operator));
  if (bytes === null) return null;
  const snapshot = parseSnapshot(bytes);
  if (snapshot === null) throw corrupted(directory, fileOf(operator), 'is damaged');
  // A state that was written before there were grants and approved operations has none.
  const { grants = [], operations = [] } = snapshot.state as Partial<OperatorState>;
  return { ...snapshot.state, grants, operations };
};
