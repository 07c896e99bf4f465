/** Where the server of a service is, from what is sealed and set. */
import { AirlockError } from '@airlock/protocol';
import { isMembers, type McpContext, type Place } from './contract.js';
import type { ProgramOrder } from './host-link.js';
import { parse } from './message.js';

const wrong = (expected: string): AirlockError =>
  new AirlockError('CONFIG_INVALID', 'the service says neither which program nor which URL its server is', {
    expected,
    hint: 'add the service again: airlock-ctl service add mcp --name NAME -- COMMAND, or --url URL',
  });

/** The destination counts where both say it: it is sealed. @throws AirlockError CONFIG_INVALID */
export const placeOf = ({ destination, settings }: McpContext): Place => {
  const { program, origins = [] } = destination as { readonly program?: string; readonly origins?: Place['origins'] };
  if (typeof program === 'string') return { kind: 'program', program, origins };
  const { url } = settings;
  if (typeof url === 'string' && origins.length > 0) return { kind: 'url', url, origins };
  throw wrong('a program or a URL');
};

const isTexts = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((one) => typeof one === 'string');

/** UPSTREAM-2. Secrets win over the sealed variables of the same name. @throws AirlockError CONFIG_INVALID */
export const orderOf = (
  place: Extract<Place, { kind: 'program' }>,
  credential: Readonly<Record<string, string>>,
): ProgramOrder => {
  const program = parse(place.program);
  const { argv, env = {} } = isMembers(program) ? program : {};
  if (!isTexts(argv) || argv.length === 0 || !isMembers(env) || !isTexts(Object.values(env)))
    throw wrong('{"argv": [PATH, …], "env": {…}}');
  const hasSecrets = Object.keys(credential).length > 0;
  return { argv, env: { ...(env as Readonly<Record<string, string>>), ...credential }, origins: place.origins, hasSecrets };
};
