/** An instance whose rules a test changes: its files, what airlock-ctl does to reload and apply them, and what decides now. */
import { compileConfig } from '@airlock/ctl';
import { addFixture, checkout, openSession, startWithFixture, type AgentSession, type Configured } from '@airlock/testkit';
import { AirlockError, shownChanges, type PolicyReload, type PolicyStatus, type PolicyTest } from '@airlock/protocol';
import type { Connection } from '@airlock/ipc';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { approveShown, ask, connectTo } from './house.js';

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
  /** @throws AirlockError CONFIG_INVALID where a file is broken, as airlock-ctl says it */
  reload(): Promise<PolicyReload>;
  /** Has what waits approved. @returns the ticket; it lives as long as the house */
  ticket(): Promise<string>;
  redeem(ticket: string): Promise<PolicyReload>;
  /** Both. */
  apply(): Promise<PolicyReload>;
  status(): Promise<PolicyStatus>;
  /** What would be decided on `fixture:OPERATION`. */
  decide(operation: string): Promise<PolicyTest['decision']>;
  stop(): Promise<void>;
}

const ATTACHED = 'permissions: {allow: [use]}\npolicies: {"*": [no-echo, no-pid]}\n';

const reloaded = (answer: PolicyReload): PolicyReload => {
  if (answer.outcome !== 'kept') return answer;
  throw new AirlockError('CONFIG_INVALID', answer.problem ?? 'no reason');
};

const approved = async (running: Configured, approvals: Connection, { staged }: PolicyStatus): Promise<string> => {
  if (staged === null) throw new Error('nothing waits');
  const params = { digest: staged.digest, changes: shownChanges(staged.changes) };
  await ask(approvals, 'action.open', { verb: 'policy.apply', params });
  running.clock.advance(60_000);
  return (await approveShown(running, approvals)).ticket ?? '';
};

/** echo and pid are denied to every agent when it starts. */
export const startRulesHouse = async (yaml = ATTACHED): Promise<RulesHouse> => {
  const running = await startWithFixture({
    cells: 3,
    yaml,
    policies: { 'no-echo.json': DENY_ECHO, 'no-pid.json': DENY_PID },
  });
  await addFixture(running);
  const agent = await openSession(running);
  const approvals = await connectTo(running, 'approve/default');
  const config = running.env['AIRLOCK_CONFIG_DIR'] ?? '';
  const gateway = async <T>(method: string, params: object = {}): Promise<T> => {
    const link = await connectTo(running, 'operator/default');
    try {
      return await ask<T>(link, method, params);
    } finally {
      link.close();
    }
  };
  const status = (): Promise<PolicyStatus> => gateway<PolicyStatus>('policy.status');
  const ticket = async (): Promise<string> => approved(running, approvals, await status());
  const redeem = (one: string): Promise<PolicyReload> => gateway<PolicyReload>('policy.apply', { ticket: one });
  return {
    ...{ running, agent, status, ticket, redeem },
    yaml: (text) => running.edit('airlock.yaml', text),
    file: (name, text) => running.edit(join('policies', name), text),
    tear: (name, text) => writeFileSync(join(config, 'policies', name), text),
    reload: async () => {
      const problem = compileConfig(config, join(checkout, 'dist/lib/policies'));
      if (problem !== null) throw problem;
      return reloaded(await gateway<PolicyReload>('policy.reload'));
    },
    apply: async () => redeem(await ticket()),
    decide: async (operation) =>
      (await gateway<PolicyTest>('policy.test', { role: 'default', service: 'fixture', operation })).decision,
    stop: async () => {
      agent.close();
      approvals.close();
      await running.stop();
    },
  };
};
