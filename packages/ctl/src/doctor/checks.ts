/** What doctor looks at, in the order in which one thing rests on the other. */
import { AirlockError, COMPILED_CONFIG_FILE, parseCompiledConfig, type CompiledConfig } from '@airlock/protocol';
import { accessSync, constants, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findOperator, type Context } from '../context.js';
import { agentChecks } from './agents.js';
import { check, REINSTALL, type Check } from './check.js';
import { daemonChecks } from './daemons.js';
import { machineChecks } from './machine.js';
import { hintFor } from '../hints.js';
import { isInstalled } from '../system.js';

export type { Check } from './check.js';

const MIN_NODE = [20, 19, 0] as const;

const nodeVersion = (): Check => {
  const parts = process.versions.node.split('.').map(Number);
  const first = MIN_NODE.findIndex((part, index) => part !== parts[index]);
  const ok = first < 0 || (parts[first] ?? 0) > (MIN_NODE[first] ?? 0);
  return check('node', ok, process.versions.node, `${MIN_NODE.join('.')} or newer`, REINSTALL);
};

const configuration = (context: Context): { check: Check; config: CompiledConfig | null } => {
  const path = join(context.configDir, COMPILED_CONFIG_FILE);
  const expected = 'a configuration that both daemons accept';
  try {
    const config = parseCompiledConfig(JSON.parse(readFileSync(path, 'utf8')));
    return { check: check('configuration', true, path, expected, ''), config };
  } catch (error) {
    const found = error instanceof AirlockError ? error.message : `${path} cannot be read`;
    return { check: check('configuration', false, found, expected, 'sudo airlock-ctl config compile'), config: null };
  }
};

const operatorCheck = (context: Context): Check => {
  const expected = 'one operator';
  try {
    return check('operator', true, findOperator(context), expected, '');
  } catch (error) {
    if (!(error instanceof AirlockError)) throw error;
    return check('operator', false, `${error.message}; ${hintFor(error)}`, expected, REINSTALL);
  }
};

const isReadable = (path: string): boolean => {
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
};

/** Manifests and modules: a file that a daemon cannot read is a kind that is not there. */
const connectors = (context: Context): Check => {
  const dirs = (context.env['AIRLOCK_CONNECTORS'] ?? '/usr/lib/airlock/connectors:/etc/airlock/connectors')
    .split(':')
    .filter(existsSync);
  const files = dirs.flatMap((dir) => readdirSync(dir).map((file) => join(dir, file)));
  const closed = files.filter((path) => !isReadable(path));
  const kinds = files.filter((path) => path.endsWith('.json')).map((path) => path.replace(/^.*\/|\.json$/g, ''));
  const found = closed.length > 0 ? `not readable: ${closed.join(' ')}` : kinds.join(', ') || 'none';
  return check(
    'connectors',
    kinds.length > 0 && closed.length === 0,
    found,
    'at least one kind, all readable',
    closed.length > 0 ? `sudo chmod a+r ${closed.join(' ')}` : REINSTALL,
  );
};

/** All checks that make sense for this kind of installation, but for what starts programs of agents. */
export const runChecks = async (context: Context): Promise<readonly Check[]> => {
  const { check: configurationCheck, config } = configuration(context);
  const operator = operatorCheck(context);
  return [
    nodeVersion(),
    configurationCheck,
    operator,
    connectors(context),
    ...(isInstalled(context) ? machineChecks(context, config) : []),
    ...(operator.ok ? await daemonChecks(context) : []),
  ];
};

/** The agents' side: sockets as their users, and an MCP handshake. */
export const runAgentChecks = async (context: Context): Promise<readonly Check[]> => {
  const { config } = configuration(context);
  return config === null ? [] : agentChecks(context, config);
};
