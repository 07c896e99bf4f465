/**
 * The rules of a backup put in force (BACKUP-8): first what is in force here, narrowed by what was in force there and by what the
 * restored files say, which the gateway takes at once; then the files as they are, of which what allows more waits for a code.
 * Where the first cannot be seen to, everybody is locked.
 */
import { digestOfRules, parseRuleSet, type RuleSet, type RuleSetText } from '@airlock/policy';
import { AirlockError, asAirlockError, type CompiledConfig, type PolicyReload, type PolicyStatus } from '@airlock/protocol';
import { wasAnswered } from '@airlock/ipc';
import { join } from 'node:path';
import { readCompiled } from '../attack/targets.js';
import { compileConfig, readWithoutPolicies, writeCompiled } from '../config/compile.js';
import { readRules } from '../config/policies.js';
import { ask, withSocket, type Context } from '../context.js';
import { mergeRules } from './merged-rules.js';

/** Of a backup: whose it is, and the rules that were in force. */
export interface RulesOfBackup {
  readonly operators: readonly string[];
  /** Text of the gateway's own file; null where there was none. */
  readonly rules: string | null;
}

/** What a person has to know of the rules. */
export interface RulesPutInForce {
  /** What the files allow beyond what is in force, as it will be shown with the code. */
  readonly waits: readonly string[];
  /** Why the files are not what is in force, or null. */
  readonly problem: string | null;
}

/** @returns null where there is none, or none that this release can read */
const orNull = <T>(read: () => T): T | null => {
  try {
    return read();
  } catch (thrown) {
    if (thrown instanceof AirlockError || thrown instanceof SyntaxError || thrown instanceof TypeError) return null;
    throw thrown;
  }
};

/** The set that was in force. What cannot be read may deny anything. @throws AirlockError CONFIG_INVALID */
const setThere = ({ rules }: RulesOfBackup): RuleSet | null => {
  if (rules === null) return null;
  const set = orNull(() => parseRuleSet((JSON.parse(rules) as { readonly set: RuleSetText }).set));
  if (set === null) throw new AirlockError('CONFIG_INVALID', 'the rules in the backup are of another form');
  return set;
};

/** What the files say of everything but rules: as the daemons had it so far where they cannot be read. */
const configOf = (context: Context): CompiledConfig =>
  orNull(() => readWithoutPolicies(context.configDir)) ?? readCompiled(context);

/** What the files say, for roles that are not set up yet too. */
const setOfFiles = ({ configDir }: Context): RuleSet | null =>
  orNull(() => {
    const config = readWithoutPolicies(configDir);
    return parseRuleSet({ permissions: config.permissions, ...readRules(config, configDir) });
  });

const toConfig = (config: CompiledConfig, { permissions, policies, attachments }: RuleSet): CompiledConfig => ({
  ...config,
  permissions: permissions as CompiledConfig['permissions'],
  rules: { policies: policies as unknown as CompiledConfig['rules']['policies'], attachments },
});

const POLL_MS = 100;
const WAIT_MS = 30_000;

/** Asks anew where the gateway was gone meanwhile; what it answers counts. */
const patiently = async <T>(attempt: () => Promise<T>): Promise<T> => {
  for (let waited = 0; ; waited += POLL_MS) {
    try {
      return await attempt();
    } catch (thrown) {
      const isGone = asAirlockError(thrown).code === 'UNAVAILABLE' && !wasAnswered(thrown);
      if (!isGone || waited >= WAIT_MS) throw thrown;
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }
};

const askGateway = <T>({ runtimeDir }: Context, { operators }: RulesOfBackup, method: string): Promise<T> =>
  patiently(() => withSocket(join(runtimeDir, 'operator', `${operators[0] ?? ''}.sock`), (link) => ask<T>(link, method)));

/** @param takeUp has the daemons read the compiled configuration @throws AirlockError where the merged set is not what is in force then */
const putMergedInForce = async (context: Context, backup: RulesOfBackup, takeUp: () => Promise<unknown>): Promise<void> => {
  const others = [setThere(backup), setOfFiles(context)].filter((set) => set !== null);
  if (others.length === 0) throw new AirlockError('CONFIG_INVALID', 'it holds no rules in force, and its files cannot be read');
  const here = await askGateway<PolicyStatus>(context, backup, 'policy.status');
  const merged = mergeRules(parseRuleSet(here as RuleSetText), others);
  writeCompiled(context.configDir, toConfig(configOf(context), merged));
  await takeUp();
  const { digest, problem, staged } = await askGateway<PolicyStatus>(context, backup, 'policy.status');
  if (digest === digestOfRules(merged)) return;
  throw new AirlockError('CONFIG_INVALID', problem ?? (staged === null ? 'airlock-gateway has others' : 'they wait for a code'));
};

const lockOf = async ({ runtimeDir }: Context, operator: string): Promise<{ operator: string; isLocked: boolean }> => {
  const asking = withSocket(join(runtimeDir, 'approve', `${operator}.sock`), (link) => ask<{ locked: boolean }>(link, 'lock'));
  return { operator, isLocked: await asking.then(({ locked }) => locked).catch(() => false) };
};

const THEN = 'then restore again with --force, and airlock-ctl unlock';

/** Fail closed: every operator is locked, so that nothing is served until somebody saw to it. @returns the error that says so */
export const failLocked = async (
  context: Context,
  operators: readonly string[],
  { message, data }: AirlockError,
): Promise<AirlockError> => {
  const found = await Promise.all(operators.map((operator) => lockOf(context, operator)));
  const names = (wanted: boolean): string =>
    found.flatMap(({ operator, isLocked }) => (isLocked === wanted ? [operator] : [])).join(', ');
  const [locked, open] = [names(true), names(false)];
  const said = [
    message,
    ...(locked === '' ? [] : [`locked until then: ${locked}`]),
    ...(open === '' ? [] : [`NOT LOCKED, as airlock-totp does not answer: ${open}`]),
  ];
  return new AirlockError('UNAVAILABLE', said.join('; '), { hint: `${data.hint}; ${THEN}` });
};

const wordsOf = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown));

const notInForce = (thrown: unknown): AirlockError =>
  new AirlockError('UNAVAILABLE', `the backup was taken, and what it denies is not in force (${wordsOf(thrown)})`, {
    hint: 'sudo airlock-ctl doctor says what is wrong',
  });

/** What was denied is denied: what is left are the files, of which nothing may be said that is not so. */
const filesNotRead = (thrown: unknown): AirlockError =>
  new AirlockError(
    'UNAVAILABLE',
    `the backup was taken and what it denied is denied, but its files were not read (${wordsOf(thrown)})`,
    { hint: 'sudo airlock-ctl policy reload reads them' },
  );

/** The files as they are, over the merged set. */
const putFilesInForce = async (context: Context, backup: RulesOfBackup): Promise<RulesPutInForce> => {
  const broken = compileConfig(context.configDir);
  if (broken !== null) return { waits: [], problem: broken.message };
  const { staged, problem } = await askGateway<PolicyReload>(context, backup, 'policy.reload');
  return { waits: staged?.changes ?? [], problem };
};

/**
 * @param restart both daemons, where they are those of an installation: then all of the configuration is read anew
 * @throws AirlockError UNAVAILABLE: everybody is locked then where it says so
 */
export const putInForce = async (
  context: Context,
  backup: RulesOfBackup,
  restart: (() => Promise<void>) | null,
): Promise<RulesPutInForce> => {
  try {
    const reload = (): Promise<PolicyReload> => askGateway<PolicyReload>(context, backup, 'policy.reload');
    await putMergedInForce(context, backup, restart ?? reload);
  } catch (thrown) {
    throw await failLocked(context, backup.operators, notInForce(thrown));
  }
  try {
    return await putFilesInForce(context, backup);
  } catch (thrown) {
    throw filesNotRead(thrown);
  }
};

/** For the person who restored: what waits, what is not set up, what was left out. */
export const remarksOf = ({ waits, problem, leftOut }: RulesPutInForce & { readonly leftOut: readonly string[] }): string[] => [
  ...(problem === null
    ? []
    : [
        `what the old machine denied is denied; the files are not in force as they stand: ${problem}`,
        '  set up what is missing (below), or correct the file, then: sudo airlock-ctl policy reload',
      ]),
  ...(waits.length === 0
    ? []
    : ['what the files allow more waits for a code: airlock-ctl policy apply', ...waits.map((one) => `  ${one}`)]),
  ...(leftOut.length === 0 ? [] : [`left out, as they belong to no folder of the configuration: ${leftOut.join(', ')}`]),
];
