/** What completion may offer for the arguments of `airlock`: answered from the agent socket, or not at all. */
import { accessStatus, knownRoles, servicesList } from '@airlock/client';
import { withSession, type Context } from './context.js';

/** Source of completion → its words now. @throws AirlockError where the gateway cannot be asked */
export const SOURCES: Readonly<Record<string, (context: Context) => readonly string[] | Promise<readonly string[]>>> = {
  role: ({ env }) => knownRoles(env),
  service: (context) => withSession(context, async ({ session }) => (await servicesList(session)).map(({ service }) => service)),
  operation: (context) =>
    withSession(context, async ({ session }) => [
      ...new Set((await servicesList(session)).flatMap(({ operations }) => operations.map(({ name }) => name))),
    ]),
  grant: (context) => withSession(context, async ({ session }) => (await accessStatus(session)).grants.map(({ id }) => id)),
  request: (context) =>
    withSession(context, async ({ session }) => (await accessStatus(session)).pending.map(({ request }) => request)),
};
