/** What completion may offer for the arguments of `airlock-ctl`: answered from the operator's sockets, or not at all. */
import { parseCompiledConfig, COMPILED_CONFIG_FILE, type LeaseView, type PendingResult } from '@airlock/protocol';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { policyIds } from './commands/policy.js';
import { kinds, services } from './commands/service.js';
import { ask, withTotp, type Context } from './context.js';

const compiled = ({ configDir }: Context): ReturnType<typeof parseCompiledConfig> =>
  parseCompiledConfig(JSON.parse(readFileSync(join(configDir, COMPILED_CONFIG_FILE), 'utf8')));

const pendingIds = (context: Context): Promise<string[]> =>
  withTotp(context, async (link) => {
    const { front, waiting } = await ask<PendingResult>(link, 'pending');
    return [...(front ? [front] : []), ...waiting].map(({ id }) => id);
  });

const leaseIds = (context: Context): Promise<string[]> =>
  withTotp(context, async (link) => (await ask<{ leases: readonly LeaseView[] }>(link, 'leases')).leases.map(({ id }) => id));

/** Source of completion → its words now. @throws AirlockError where a daemon cannot be asked */
export const SOURCES: Readonly<Record<string, (context: Context) => readonly string[] | Promise<readonly string[]>>> = {
  service: async (context) => (await services(context)).map(({ service }) => service),
  kind: async (context) => (await kinds(context)).map(({ kind }) => kind),
  role: (context) => Object.keys(compiled(context).roles),
  request: pendingIds,
  lease: leaseIds,
  policy: policyIds,
};
