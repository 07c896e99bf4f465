/** The calendar connector: CalDAV, .ics addresses and .ics files. It reads, and adds an event to a CalDAV calendar. */
import { openEgress, type Egress } from '@airlock/egress';
import { AirlockError, type Connector, type ConnectorContext, type ConnectorSession, type Origin } from '@airlock/protocol';
import { OPERATIONS } from './answer/operations.js';
import { Arguments } from './arguments.js';
import { CaldavClient } from './caldav/client.js';
import { CaldavSource } from './caldav/source.js';
import { LIMITS } from './limits.js';
import { Pace } from './pace.js';
import { paramsWithin, reachOf, sourceWithin } from './reach.js';
import { fileReader } from './source/ics-file.js';
import { addressReader, addressWithin } from './source/ics-http.js';
import type { Source } from './source/source.js';
import { TextSource } from './source/text-source.js';
import { ianaZone, systemZone, type Zone } from './zones/zone.js';

const misconfigured = (message: string, expected: string): AirlockError =>
  new AirlockError('CONFIG_INVALID', message, { expected });

/** A setting or a field of the credential as text; empty where there is none. */
const textOf = (values: Readonly<Record<string, unknown>>, name: string): string => {
  const value = values[name];
  return typeof value === 'string' ? value : '';
};

/** The zone that days and floating times are read in. @throws AirlockError CONFIG_INVALID */
const homeZone = (context: ConnectorContext): Zone => {
  const name = textOf(context.settings, 'time_zone');
  const zone = name === '' ? systemZone() : ianaZone(name);
  if (zone === null) throw misconfigured('the setting time_zone names no time zone', 'an IANA time zone such as Europe/Berlin');
  return zone;
};

/** One origin is sealed, for a link or redirect within several could carry the credential from one to the next (CAL-2). */
const onlyOrigin = (origins: readonly Origin[]): Origin => {
  const [origin, ...more] = origins;
  if (origin === undefined || more.length > 0) throw misconfigured('a calendar has one sealed origin', 'https://HOST:PORT');
  return origin;
};

const fileSource = ({ destination, settings }: ConnectorContext): Source => {
  const path = 'path' in destination ? destination.path : '';
  if (!path.startsWith('/') || (settings['path'] ?? path) !== path)
    throw misconfigured('settings and sealed destination name different files', 'an absolute path');
  return new TextSource(fileReader(path), path.split('/').at(-1) ?? path);
};

const addressSource = ({ credential, settings, clock }: ConnectorContext, egress: Egress, origin: Origin): Source => {
  const secret = textOf(credential, 'url');
  const url = addressWithin(secret === '' ? textOf(settings, 'url') : secret, origin);
  return new TextSource(addressReader({ egress, url, isSecret: secret !== '', clock }), origin.host);
};

const caldavSource = ({ credential, settings, destination, clock }: ConnectorContext, egress: Egress, origin: Origin): Source => {
  const address = textOf(settings, 'url');
  const path = address === '' ? '/' : addressWithin(address, origin).pathname;
  const client = new CaldavClient({ egress, origin, user: destination.user, password: textOf(credential, 'password') });
  return new CaldavSource(client, path, clock);
};

/** What only tests give: authorities of local servers. */
export interface OpenOptions {
  readonly ca?: readonly string[];
}

const sourceOf = (context: ConnectorContext, options: OpenOptions): Source => {
  const { destination, credential } = context;
  if ('path' in destination) return fileSource(context);
  const origin = onlyOrigin(destination.origins);
  const isCaldav = Object.hasOwn(credential, 'password');
  const maxBodyBytes = isCaldav ? LIMITS.maxXmlBytes : LIMITS.maxIcsBytes;
  const egress = openEgress({ origins: [origin], limits: { maxBodyBytes }, ...options });
  return isCaldav ? caldavSource(context, egress, origin) : addressSource(context, egress, origin);
};

/** Opens a session; nothing is asked before the first call. @throws AirlockError CONFIG_INVALID */
// eslint-disable-next-line @typescript-eslint/require-await -- what it throws must reject
export const openSession = async (context: ConnectorContext, options: OpenOptions = {}): Promise<ConnectorSession> => {
  const home = homeZone(context);
  const source = sourceOf(context, options);
  const { clock } = context;
  return {
    execute: async (name, params, { signal, constraints }) => {
      const operation = OPERATIONS.get(name);
      if (!operation)
        throw new AirlockError('OPERATION_UNKNOWN', 'a calendar has no such operation', {
          expected: [...OPERATIONS.keys()].join(', '),
        });
      const reach = reachOf(constraints);
      const args = new Arguments(paramsWithin(reach, name, params), operation.params);
      const within = sourceWithin(source, reach);
      return operation.run({ source: within, args, pace: new Pace(signal, clock), home, nowMs: clock.wallMs(), reach });
    },
    close: () => source.close(),
  };
};

const CAUSES: ReadonlySet<unknown> = new Set(['bad_credentials', 'no_network', 'tls', 'other']);

/** What a trial says is one of four causes; a server that nobody reaches is `no_network`, also where it is silent. */
const asCause = (thrown: unknown): unknown => {
  if (!(thrown instanceof AirlockError) || CAUSES.has(thrown.data.found)) return thrown;
  const { code, message, data } = thrown;
  return new AirlockError(code, message, { ...data, found: data.found === 'connect' ? 'no_network' : 'other' });
};

const test = async (context: ConnectorContext, options: OpenOptions = {}): Promise<void> => {
  const session = await openSession(context, options);
  try {
    await session.execute('list_calendars', {}, { signal: AbortSignal.timeout(LIMITS.loginMs), constraints: {} });
  } catch (thrown) {
    throw asCause(thrown);
  } finally {
    await session.close();
  }
};

/** Loaded by the cell. `test` lists the calendars; what it throws says in `data.found` what is wrong. */
export const connector: Connector = { open: (context) => openSession(context), test: (context) => test(context) };
export { test as testWith };
