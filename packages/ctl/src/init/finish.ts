/** The end of `init`: what there is now, who may ask, what to run next. */
import type { ServiceView } from '@airlock/protocol';
import { readRoles } from '../commands/role.js';
import { groupMembers } from '../groups.js';
import { services } from '../commands/service.js';
import type { Context } from '../context.js';
import type { Check } from '../doctor/checks.js';
import { print } from '../output.js';
import type { Outcome } from './services.js';

interface RoleView {
  readonly role: string;
  readonly group: string;
  readonly users: readonly string[];
}

export interface Finished {
  readonly operator: string;
  readonly outcomes: readonly Outcome[];
  readonly checks: readonly Check[];
}

const rolesOf = (context: Context, operator: string): readonly RoleView[] =>
  Object.entries(readRoles(context).roles)
    .filter(([, one]) => one.operator === operator)
    .map(([role]) => ({ role, group: `airlock-r-${role}`, users: groupMembers(`airlock-r-${role}`) }));

const roleLines = (roles: readonly RoleView[]): string[] =>
  roles.length === 0
    ? ['  role     none yet: sudo airlock-ctl role add NAME --user USER']
    : roles.map(({ role, group, users }) => `  role     ${role}: ${users.join(', ') || 'no user yet'} (group ${group})`);

const serviceLines = (all: readonly ServiceView[], outcomes: readonly Outcome[]): string[] => [
  ...all.map(
    ({ service, kind, updatedAt }) => `  service  ${service} (${kind})${updatedAt === null ? ', no credential yet' : ''}`,
  ),
  ...outcomes.filter(({ error }) => error !== null).map(({ service, error }) => `  failed   ${service}: ${error?.message ?? ''}`),
];

const nextLines = (operator: string, all: readonly ServiceView[], roles: readonly RoleView[]): string[] => {
  const service = all[0]?.service;
  if (service === undefined)
    return ['', `Next, as ${operator}: airlock-ctl service add gmail   (airlock-ctl service kinds lists the others)`];
  const [role] = roles;
  const user = role?.users[0] ?? 'USER';
  return [
    '',
    `Agents run as ${user}. Log in as ${user} anew (or: newgrp ${role?.group ?? 'airlock-r-ROLE'}), then:`,
    `  airlock request ${service} --reason 'to try it' --wait`,
    '  airlock mcp connect claude-code              (or another client: airlock mcp ls)',
    `You, as ${operator}, see what is asked and approve it with a code:`,
    '  airlock-ctl watch      airlock-ctl approve',
  ];
};

const doctorLine = (checks: readonly Check[]): string => {
  const bad = checks.filter(({ ok }) => !ok);
  return bad.length === 0
    ? `  doctor   ${checks.length} checks, all well`
    : `  doctor   ${bad.length} of ${checks.length} checks fail (${bad.map(({ id }) => id).join(', ')}): airlock-ctl doctor`;
};

/** @returns the exit status: that of the first service that failed */
export const finish = async (context: Context, { operator, outcomes, checks }: Finished): Promise<number> => {
  const all = await services(context);
  const roles = rolesOf(context, operator);
  const failed = outcomes.flatMap(({ service, error }) =>
    error === null ? [] : [{ service, code: error.code, message: error.message, hint: error.data.hint }],
  );
  const warnings = checks.filter(({ ok }) => !ok).map(({ id, found, fix }) => `${id}: ${found}; ${fix}`);
  const value = { enrolled: true, operator, services: all.map(({ service }) => service), failed, roles, warnings };
  const lines = [`  phone    enrolled for ${operator}`, ...serviceLines(all, outcomes), ...roleLines(roles), doctorLine(checks)];
  print(context, value, [...lines, ...nextLines(operator, all, roles)].join('\n'));
  return outcomes.find(({ error }) => error !== null)?.error?.exitCode ?? 0;
};
