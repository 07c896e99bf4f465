/** An instance whose rules a test changes: its files, the commands that reload and apply, and what decides now. */
import {
  addFixture,
  openSession,
  startWithFixture,
  type AgentSession,
  type CommandResult,
  type Configured,
} from '@airlock/testkit';
import type { PolicyStatus, PolicyTest } from '@airlock/protocol';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A policy file as a person writes it. */
export const policyText = (id: string, rules: readonly object[], more: object = {}): string =>
  JSON.stringify({ id, name: id, description: 'For a test', status: 'active', blocked_commands: [], rules, ...more }, null, 2);

export const DENY_ECHO = policyText('no-echo', [{ id: 'echo', decision: 'deny', operations: ['echo'], reason: 'quiet please' }]);
export const DENY_PID = policyText('no-pid', [{ id: 'pid', decision: 'deny', operations: ['pid'] }]);

export interface RulesHouse {
  readonly running: Configured;
  readonly agent: AgentSession;
  yaml(text: string): void;
  /** null removes the file; another text replaces it whole. */
  file(name: string, text: string | null): void;
  /** As an editor that is interrupted leaves it. */
  tear(name: string, text: string): void;
  reload(): Promise<CommandResult>;
  /** `policy apply` with a code that the phone shows, or the one given. */
  apply(code?: string): Promise<CommandResult>;
  status(): Promise<PolicyStatus>;
  /** What would be decided on `fixture:OPERATION`. */
  decide(operation: string): Promise<PolicyTest['decision']>;
  stop(): Promise<void>;
}

const ATTACHED = 'permissions: {allow: [use]}\npolicies: {"*": [no-echo, no-pid]}\n';

/** echo and pid are denied to every agent when it starts. */
export const startRulesHouse = async (yaml = ATTACHED): Promise<RulesHouse> => {
  const running = await startWithFixture({
    cells: 3,
    yaml,
    policies: { 'no-echo.json': DENY_ECHO, 'no-pid.json': DENY_PID },
  });
  await addFixture(running);
  const agent = await openSession(running);
  const dir = join(running.env['AIRLOCK_CONFIG_DIR'] ?? '', 'policies');
  const json = async <T>(...args: string[]): Promise<T> => (await running.command('airlock-ctl', [...args, '--json'])).json as T;
  return {
    ...{ running, agent },
    yaml: (text) => running.edit('airlock.yaml', text),
    file: (name, text) => running.edit(join('policies', name), text),
    tear: (name, text) => writeFileSync(join(dir, name), text),
    reload: () => running.command('airlock-ctl', ['policy', 'reload', '--json']),
    apply: (code) => {
      // A code that was used before holds back the next for a step.
      running.clock.advance(60_000);
      return running.command('airlock-ctl', ['policy', 'apply', '--json'], { stdin: `${code ?? running.freshCode()}\n` });
    },
    status: () => json<PolicyStatus>('policy', 'list'),
    decide: async (operation) => (await json<PolicyTest>('policy', 'test', 'default', 'fixture', operation)).decision,
    stop: async () => {
      agent.close();
      await running.stop();
    },
  };
};
