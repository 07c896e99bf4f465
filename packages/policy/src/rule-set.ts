/** A rule set as it comes from a file: every policy checked again, and one digest for the whole. */
import { AirlockError, sha256Hex, type Json } from '@airlock/protocol';
import type { Permissions } from './facts.js';
import { parsePolicyText, type ParsedPolicy } from './parse.js';
import type { RuleSet } from './rule.js';

export interface RuleSetText {
  readonly permissions: Permissions;
  readonly policies: readonly Readonly<Record<string, Json>>[];
  readonly attachments: Readonly<Record<string, readonly string[]>>;
}

const broken = (message: string): AirlockError =>
  new AirlockError('CONFIG_INVALID', message, { hint: 'correct the file, then run: airlock-ctl policy reload' });

const parsePolicy = ({ file, ...members }: Readonly<Record<string, Json>>): ParsedPolicy =>
  parsePolicyText(JSON.stringify(members), typeof file === 'string' ? file : 'policies');

/** @throws AirlockError CONFIG_INVALID for a policy that is none, one id twice, or an id that no policy has */
export const parseRuleSet = ({ permissions, policies, attachments }: RuleSetText): RuleSet => {
  const parsed = policies.map(parsePolicy);
  const ids = new Map<string, ParsedPolicy>();
  for (const policy of parsed) {
    const other = ids.get(policy.id);
    if (other !== undefined) throw broken(`${policy.file}: id: found ${policy.id}, which ${other.file} has too`);
    ids.set(policy.id, policy);
  }
  for (const [role, wanted] of Object.entries(attachments)) {
    const stray = wanted.find((id) => !ids.has(id));
    if (stray === undefined) continue;
    throw broken(
      `policies.${role}: found ${stray.slice(0, 64)}, allowed: ${[...ids.keys()].sort().join(', ') || 'no policy is there'}`,
    );
  }
  return { permissions, policies: parsed, attachments };
};

const sortedEntries = <T>(members: Readonly<Record<string, T>>): readonly (readonly [string, T])[] =>
  Object.entries(members).sort(([a], [b]) => (a < b ? -1 : 1));

/** SHA-256 (hex) of all that decides, whatever its order in files and wherever they are. */
export const digestOfRules = ({ permissions, policies, attachments }: RuleSet): string =>
  sha256Hex(
    JSON.stringify({
      allow: [...permissions.allow].sort(),
      policies: policies.map((policy) => JSON.stringify(sortedEntries({ ...policy, file: '' }))).sort(),
      attachments: sortedEntries(attachments).map(([role, ids]) => [role, [...ids].sort()]),
    }),
  );
