/** Where things are below the directories the gateway is started with (docs/design/runtime.md). */
import { join } from 'node:path';
import type { GatewayOptions } from './options.js';

type Dirs = Pick<GatewayOptions, 'runtimeDir' | 'stateDir'>;

export const bridgePath = ({ runtimeDir }: Dirs): string => join(runtimeDir, 'bridge.sock');
export const slotPath = ({ runtimeDir }: Dirs, slot: number): string => join(runtimeDir, 'cell', `${slot}.sock`);
export const logDir = ({ stateDir }: Dirs): string => join(stateDir, 'audit');
/** Which decision this log was begun anew by. */
export const anewFile = ({ stateDir }: Dirs): string => join(stateDir, 'audit-anew.json');
export const vaultDir = ({ stateDir }: Dirs): string => join(stateDir, 'vault');
/** What a backup brings, by the id of its restore, until airlock-totp says that it counts. */
export const restoreDir = ({ stateDir }: Dirs): string => join(stateDir, 'restore');
/** Id of the last restore that is in force. */
export const restoredFile = ({ stateDir }: Dirs): string => join(stateDir, 'restored.json');
export const listedDir = ({ stateDir }: Dirs): string => join(stateDir, 'listed');
export const rulesFile = ({ stateDir }: Dirs): string => join(stateDir, 'rules.json');
export const operationsDir = ({ stateDir }: Dirs): string => join(stateDir, 'operations');
export const sessionsFile = ({ stateDir }: Dirs): string => join(stateDir, 'sessions.jsonl');
export const blocksFile = ({ stateDir }: Dirs): string => join(stateDir, 'blocks.jsonl');
export const budgetsFile = ({ stateDir }: Dirs): string => join(stateDir, 'budgets.jsonl');
