/** The gateway's state as it was left; where it cannot be trusted, an empty one in memory and the reason. */
import { asAirlockError, DEFAULT_CONFIG, type AirlockError, type CompiledConfig } from '@airlock/protocol';
import { BudgetLedger } from '../leases/budget.js';
import { OperationShelf } from '../operations/shelf.js';
import type { GatewayOptions } from '../options.js';
import { blocksFile, budgetsFile, listedDir, operationsDir, restoredFile, rulesFile, sessionsFile, vaultDir } from '../paths.js';
import { ListedStore } from '../listed/listed-store.js';
import { RulesInForce } from '../rules/in-force.js';
import { Sessions } from '../sessions/sessions.js';
import { RestoreState } from '../vault/restore-state.js';
import { ServiceStore } from '../vault/store.js';
import { Blocks } from '../watch/blocks.js';
import { ensureDirectory } from './files.js';

export interface OpenedState {
  readonly sessions: Sessions;
  readonly budgets: BudgetLedger;
  readonly operations: OperationShelf;
  readonly blocks: Blocks;
  readonly rules: RulesInForce;
  readonly restores: RestoreState;
  readonly stores: ReadonlyMap<string, ServiceStore>;
  /** By operator. */
  readonly listed: ReadonlyMap<string, ListedStore>;
  /** VAULT_UNREADABLE, CONFIG_INVALID, or null. */
  readonly problem: AirlockError | null;
}

/** Never throws: a daemon does not die of what it reads. */
export const openState = (
  options: GatewayOptions,
  config: CompiledConfig,
  isNeeded: (session: string) => boolean,
): OpenedState => {
  const { bootId, clock, stateDir } = options;
  try {
    ensureDirectory(stateDir);
    ensureDirectory(vaultDir(options));
    ensureDirectory(operationsDir(options));
    ensureDirectory(listedDir(options));
    return {
      sessions: new Sessions(sessionsFile(options), bootId, clock, isNeeded),
      budgets: new BudgetLedger(budgetsFile(options), bootId),
      operations: new OperationShelf(operationsDir(options), clock),
      blocks: new Blocks(blocksFile(options), bootId),
      rules: new RulesInForce(rulesFile(options), config),
      restores: new RestoreState(restoredFile(options)),
      stores: new Map(config.operators.map((operator) => [operator, new ServiceStore(vaultDir(options), operator)])),
      listed: new Map(config.operators.map((operator) => [operator, new ListedStore(listedDir(options), operator)])),
      problem: null,
    };
  } catch (thrown) {
    return {
      sessions: new Sessions(null, bootId, clock, isNeeded),
      budgets: new BudgetLedger(null, bootId),
      operations: new OperationShelf(null, clock),
      blocks: new Blocks(null, bootId),
      rules: new RulesInForce(null, DEFAULT_CONFIG),
      restores: new RestoreState(null),
      stores: new Map(),
      listed: new Map(),
      problem: asAirlockError(thrown),
    };
  }
};
