/** policy rehearse: the calls of the record, decided again under other rules; what would change, as a table. */
import {
  RateCounters,
  compileRules,
  decideCall,
  parseRuleSet,
  type CompiledRules,
  type Decision,
  type RuleSet,
} from '@airlock/policy';
import {
  AirlockError,
  type AuditQueryResult,
  type ConnectorManifest,
  type KindList,
  type OperationManifest,
  type PolicyStatus,
  type ServiceList,
} from '@airlock/protocol';
import { existsSync, statSync } from 'node:fs';
import { readPolicyDir, readPolicyFile } from '../config/policies.js';
import { ask, withGateway, type Context, type Link } from '../context.js';
import { print, table } from '../output.js';
import { parseSpan } from '../audit/span.js';
import { textOption, type Command, type Invocation } from './command.js';

/** A call as the record has it: neither arguments nor what the agent said it is. */
export interface RecordedCall {
  readonly atMs: number;
  readonly role: string;
  readonly service: string;
  readonly operation: string;
}

export interface Change {
  readonly role: string;
  readonly service: string;
  readonly operation: string;
  readonly calls: number;
  readonly before: Decision['decision'];
  readonly after: Decision['decision'];
  /** What decides after. */
  readonly policy: string;
  readonly rule: string;
}

type Manifests = ReadonlyMap<string, ReadonlyMap<string, OperationManifest>>;

const decider = (rules: CompiledRules): ((call: RecordedCall, operation: OperationManifest) => Decision) => {
  let nowMs = 0;
  // As the gateway counts, at the times of the record.
  const counters = new RateCounters({ bootMs: () => nowMs });
  return ({ atMs, role, service }, operation) => {
    nowMs = atMs;
    const decision = decideCall({
      ...{ service, operation, role, rules, params: null, nowMs: atMs, client: 'recorded', tainted: false },
      scopes: [[{ service, class: operation.class, operation: null }]],
      rateCount: (key, perS) => counters.count(key, perS),
    });
    if (decision.decision !== 'deny') counters.add(decision.rateKeys);
    return decision;
  };
};

/** Pure: what the second set decides otherwise than the first, calls oldest first. Calls of services that are gone are passed over. */
export const rehearse = (
  before: RuleSet,
  after: RuleSet,
  calls: readonly RecordedCall[],
  manifests: Manifests,
): { readonly changes: readonly Change[]; readonly replayed: number; readonly unknown: number } => {
  const [decideBefore, decideAfter] = [decider(compileRules(before)), decider(compileRules(after))];
  const changes = new Map<string, Change>();
  let unknown = 0;
  for (const call of calls) {
    const operation = manifests.get(call.service)?.get(call.operation);
    if (operation === undefined) {
      unknown += 1;
      continue;
    }
    const [old, fresh] = [decideBefore(call, operation), decideAfter(call, operation)];
    if (old.decision === fresh.decision) continue;
    const { role, service } = call;
    const facts = {
      role,
      service,
      operation: call.operation,
      before: old.decision,
      after: fresh.decision,
      policy: fresh.policy,
      rule: fresh.rule,
    };
    const key = JSON.stringify(facts);
    changes.set(key, { ...facts, calls: (changes.get(key)?.calls ?? 0) + 1 });
  }
  const sorted = [...changes.values()].sort((a, b) => b.calls - a.calls);
  return { changes: sorted, replayed: calls.length - unknown, unknown };
};

/** What would be in force with the files: one of an id that is there takes its place, another is for every agent. */
export const withFiles = ({ permissions, policies, attachments }: PolicyStatus, files: readonly string[]): RuleSet => {
  const added = files.flatMap((path) =>
    existsSync(path) && statSync(path).isDirectory() ? readPolicyDir(path) : [readPolicyFile(path)],
  );
  const ids = new Set(added.map(({ id }) => id));
  const kept = policies.filter(({ id }) => !ids.has(id as string));
  const attached = new Set(Object.values(attachments).flat());
  const fresh = [...ids].filter((id) => !attached.has(id));
  return parseRuleSet({
    permissions: permissions as RuleSet['permissions'],
    policies: [...kept, ...(added as unknown as PolicyStatus['policies'])],
    attachments: { ...attachments, '*': [...(attachments['*'] ?? []), ...fresh] },
  });
};

const manifestsOf = async (link: Link): Promise<Manifests> => {
  const { kinds } = await ask<KindList>(link, 'kind.list');
  const { services } = await ask<ServiceList>(link, 'service.list');
  const byKind = new Map<string, ConnectorManifest>(kinds.map((kind) => [kind.kind, kind]));
  return new Map(
    services.map(({ service, kind }) => [service, new Map((byKind.get(kind)?.operations ?? []).map((one) => [one.name, one]))]),
  );
};

interface Line {
  readonly event?: unknown;
  /** Who decided; a refusal without one was none of a policy. */
  readonly policy?: unknown;
  readonly ts?: unknown;
  readonly role?: unknown;
  readonly service?: unknown;
  readonly operation?: unknown;
}

const callOf = (line: string): RecordedCall[] => {
  const { event, policy, ts, role, service, operation } = JSON.parse(line) as Line;
  const isDecided = event !== 'operation_refused' || typeof policy === 'string';
  const isCall =
    isDecided &&
    typeof role === 'string' &&
    typeof service === 'string' &&
    typeof operation === 'string' &&
    typeof ts === 'string';
  return isCall ? [{ atMs: Date.parse(ts), role, service, operation }] : [];
};

/** Calls that were allowed, those that were put before the operator, and those that a policy refused. */
const EVENTS = ['operation_allowed', 'operation_asked', 'operation_refused'] as const;

const recordedCalls = async (link: Link, sinceMs: number): Promise<RecordedCall[]> => {
  const calls: RecordedCall[] = [];
  for (const event of EVENTS) {
    for (let after: number | null = 0; after !== null;) {
      const page: AuditQueryResult = await ask<AuditQueryResult>(link, 'audit.query', {
        event,
        sinceMs,
        ...(after === 0 ? {} : { after }),
      });
      calls.push(...page.lines.flatMap(callOf));
      after = page.next;
    }
  }
  return calls.sort((a, b) => a.atMs - b.atMs);
};

const run = async (context: Context, invocation: Invocation): Promise<void> => {
  const files = invocation.args;
  const last = textOption(invocation, 'last') ?? '30d';
  const sinceMs = Date.now() - parseSpan(last);
  const { status, calls, manifests } = await withGateway(context, async (link) => ({
    status: await ask<PolicyStatus>(link, 'policy.status'),
    calls: await recordedCalls(link, sinceMs),
    manifests: await manifestsOf(link),
  }));
  const before = withFiles(status, []);
  const answer = rehearse(before, withFiles(status, files), calls, manifests);
  const rows = answer.changes.map((one) => [
    String(one.calls),
    one.role,
    `${one.service}:${one.operation}`,
    one.before,
    one.after,
    `${one.policy}/${one.rule}`,
  ]);
  const told = [
    rows.length === 0
      ? 'nothing would have been decided otherwise'
      : table(['calls', 'role', 'operation', 'now', 'then', 'decided by'], rows),
    `${answer.replayed} calls of the last ${last} were decided again${answer.unknown === 0 ? '' : `; ${answer.unknown} of services that are gone were not`}`,
    'arguments are not recorded: a condition on them counts as met where it denies or asks, and as not met where it allows',
  ];
  print(context, answer, told.join('\n'));
};

const needsFiles = (context: Context, invocation: Invocation): Promise<void> => {
  if (invocation.args.length > 0) return run(context, invocation);
  throw new AirlockError('PARAMS_INVALID', 'name the policy files to try', {
    field: 'FILES',
    hint: 'airlock-ctl policy rehearse strict.json --last 30d',
  });
};

export const REHEARSE: Command = {
  name: 'policy rehearse',
  args: '<files...>',
  summary: 'the calls of the record decided again with these policies added or changed: what would be different',
  flags: [{ flags: '--last <span>', summary: 'how far back: 12h, 30d (default 30d)' }],
  run: needsFiles,
};
