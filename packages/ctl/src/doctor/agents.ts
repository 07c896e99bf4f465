/** The way an agent comes in: its users, its socket as each of them, and an MCP client's first words. */
import type { CompiledConfig } from '@airlock/protocol';
import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { findAccount, type Account } from '../accounts.js';
import { runAs } from '../as-user.js';
import { connectLine } from '../attack/probe.js';
import { placesOf } from '../attack/targets.js';
import type { Context } from '../context.js';
import { groupMembers } from '../groups.js';
import { isInstalled } from '../system.js';
import { check, type Check } from './check.js';

const CONNECT_LIMIT_MS = 5000;
/** An MCP client waits a minute; a person does not. */
const HANDSHAKE_LIMIT_MS = 15_000;
/** The newest that airlock mcp answers to (modelcontextprotocol.io). */
const PROTOCOL_VERSION = '2025-11-25';

/** Null: whoever runs this. */
type Who = Account | null;

const HELLO = [
  {
    id: 1,
    method: 'initialize',
    params: { protocolVersion: PROTOCOL_VERSION, capabilities: {}, clientInfo: { name: 'airlock-ctl doctor', version: '1' } },
  },
  { method: 'notifications/initialized' },
  { id: 2, method: 'tools/list', params: {} },
]
  .map((message) => `${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
  .join('');

interface Answer {
  readonly id?: number;
  readonly result?: { readonly serverInfo?: object; readonly tools?: readonly object[] };
}

const answersIn = (stdout: string): Answer[] =>
  stdout.split('\n').flatMap((line) => {
    try {
      return [JSON.parse(line) as Answer];
    } catch {
      // The last line may still be on its way.
      return [];
    }
  });

/** What came back: the tools, or what was missing. */
export const judgeHandshake = (stdout: string): { readonly ok: boolean; readonly found: string } => {
  const answers = answersIn(stdout);
  if (!answers.some(({ id, result }) => id === 1 && result?.serverInfo !== undefined))
    return { ok: false, found: 'no answer to initialize' };
  const tools = answers.find(({ id }) => id === 2)?.result?.tools;
  if (tools === undefined || tools.length === 0) return { ok: false, found: 'no tools' };
  return { ok: true, found: `answers, ${tools.length} tools` };
};

const handshake = async (context: Context, role: string, who: Who): Promise<Check> => {
  const { airlock } = placesOf(context).commands;
  const { stdout, stderr } = await runAs(['bash', '--norc', '-c', `exec env AIRLOCK_ROLE=${role} ${airlock} mcp`], {
    account: who,
    input: HELLO,
    limitMs: HANDSHAKE_LIMIT_MS,
    isEnough: (text) => answersIn(text).some(({ id }) => id === 2),
  });
  const { ok, found } = judgeHandshake(stdout);
  const told = /airlock: error: (.*)/.exec(stderr)?.[1];
  return check(
    `mcp ${role}${who === null ? '' : ` as ${who.user}`}`,
    ok,
    told === undefined || ok ? found : `${found}: ${told}`,
    'airlock mcp answers initialize and tools/list',
    'sudo systemctl restart airlock-gateway',
  );
};

const restartSocket = (role: string): string => `sudo systemctl restart airlock-agent@${role}.socket`;

const connectable = async (context: Context, role: string, who: Who): Promise<Check> => {
  const path = join(context.runtimeDir, 'agent', `${role}.sock`);
  const { node } = placesOf(context);
  const { status, stderr } = await runAs(['bash', '--norc', '-c', connectLine(node, path)], {
    account: who,
    limitMs: CONNECT_LIMIT_MS,
  });
  return check(
    `agent socket ${role}${who === null ? '' : ` as ${who.user}`}`,
    status === 0,
    status === 0 ? 'connects' : stderr.trim() || 'no answer',
    'connects',
    restartSocket(role),
  );
};

/** Whom doctor can be: each user of the role as root, itself where it may connect. */
const whoFor = (context: Context, role: string, members: readonly string[]): readonly Who[] => {
  const own = process.getuid?.() ?? 0;
  if (!isInstalled(context)) return [null];
  if (own === 0) return members.map(findAccount).filter((account) => account !== null);
  return members.includes(findAccount(String(own))?.user ?? '') ? [null] : [];
};

const members = (role: string, users: readonly string[]): Check =>
  check(
    `role ${role}`,
    users.length > 0,
    users.length === 0 ? 'no user' : `used by ${users.join(', ')}`,
    `a user in the group airlock-r-${role}`,
    `sudo airlock-ctl role add ${role} --user airlock-agent`,
  );

/** All roles, each as whom it can be tried. */
export const agentChecks = async (context: Context, config: CompiledConfig): Promise<readonly Check[]> => {
  const checks: Check[] = [];
  for (const role of Object.keys(config.roles)) {
    const users = groupMembers(`airlock-r-${role}`);
    if (isInstalled(context)) checks.push(members(role, users));
    if (!lstatSync(join(context.runtimeDir, 'agent', `${role}.sock`), { throwIfNoEntry: false })) {
      checks.push(check(`agent socket ${role}`, false, 'missing', 'connects', restartSocket(role)));
      continue;
    }
    for (const who of whoFor(context, role, users))
      checks.push(await connectable(context, role, who), await handshake(context, role, who));
  }
  return checks;
};
