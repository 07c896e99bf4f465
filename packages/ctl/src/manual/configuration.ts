/** airlock.yaml(5), from the table of keys. */
import { bold, manualPage, type Block } from '@airlock/protocol/command';
import { KEYS } from '../config/schema.js';

const EXAMPLE = [
  'totp: {issuer: Airlock, digits: 6, period: 30}',
  'leases: {default_ttl_minutes: 60, max_ttl_minutes: 480, request_ttl_minutes: 5}',
  'permissions: {default: read}',
  'anomalies: {block_minutes: 15, calls_per_minute: 1000, unknown_ids_per_5_minutes: 20}',
  'presence: {mode: auto, lock: true, sleep: true, switch: true, idle: true}',
  'audit: {retain_days: 365, group_commit_ms: 20}',
];

const keyTerms = (section: string): Block => ({
  terms: Object.entries(KEYS[section] ?? {}).map(([name, { about, allowed, otherwise }]) => [
    bold(`${section}.${name}`),
    `${about}. Allowed: ${allowed}. Default: ${otherwise === null ? 'none' : String(otherwise)}.`,
  ]),
});

/** A section whose keys are names of roles. */
const POLICIES: readonly Block[] = [
  'Which policies hold for whom: the name of a role, or "*" for every role of agents, with a list of ids. An id is that of a file in /etc/airlock/policies, or of a preset that airlock-ctl policy list shows; a file of the same id stands for the preset.',
  { lines: ['policies:', '  "*": [business-hours]', '  mailer: [strict, mine]'] },
  'This section, permissions.allow and the policy files take effect with:',
  { lines: ['airlock-ctl policy reload'] },
  'What allows less is in force at once; what allows more waits until airlock-ctl policy apply and a code. Where a file is broken, what was in force stays in force. airlock-ctl policy rehearse FILE tells what would have been decided otherwise.',
];

/** The source of airlock.yaml(5). */
export const configurationPage = (): string =>
  manualPage({
    name: 'airlock.yaml',
    section: 5,
    title: 'configuration of Airlock',
    sections: [
      {
        head: 'DESCRIPTION',
        blocks: [
          '/etc/airlock/airlock.yaml is a YAML file of sections with keys. It belongs to root. Unknown sections and keys are errors, and a value outside of what is allowed is one too: a daemon that finds one starts sealed, serves nothing, and says file, key, what was found and what is allowed.',
          'Before each start of a daemon, airlock-ctl compiles the file to /etc/airlock/compiled/config.json. A change takes effect with:',
          { lines: ['systemctl restart airlock-totp airlock-gateway'] },
          'Services are not configured here: they are added with airlock-ctl service add, approved by a code.',
        ],
      },
      ...Object.keys(KEYS).map((section) => ({ head: section.toUpperCase(), blocks: [keyTerms(section)] })),
      { head: 'POLICIES', blocks: POLICIES },
      { head: 'EXAMPLES', blocks: ['What install.sh writes, which is what holds without a file:', { lines: EXAMPLE }] },
      {
        head: 'FILES',
        blocks: [
          {
            terms: [
              [bold('/etc/airlock/airlock.yaml'), 'this file.'],
              [bold('/etc/airlock/roles.json'), 'operators and roles, written by install.sh and airlock-ctl role.'],
              [bold('/etc/airlock/policies/*.json'), 'policies of this house, one each.'],
              [bold('/etc/airlock/skills/*.md'), 'advice for agents with the operations it needs, one kind of task each.'],
              [bold('/etc/airlock/compiled/config.json'), 'what the daemons read.'],
            ],
          },
        ],
      },
      { head: 'SEE ALSO', blocks: ['airlock-ctl(1), airlock-totp(8), airlock-gateway(8)'] },
    ],
  });
