/** systemd-logind on the bus: its sessions as they are, and what its signals mean. org.freedesktop.login1(5) */
import { busTarget, type Bus, type Target } from './bus/bus.js';
import type { Value } from './bus/reader.js';
import { PRESENCE_LIMITS } from './limits.js';
import type { SessionView } from './seats.js';

export const LOGIND = 'org.freedesktop.login1';
export const MANAGER_PATH = '/org/freedesktop/login1';
export const SESSION_INTERFACE = `${LOGIND}.Session`;
export const MANAGER_INTERFACE = `${LOGIND}.Manager`;
export const PROPERTIES = 'org.freedesktop.DBus.Properties';

const manager = (member: string, iface = MANAGER_INTERFACE): Target => ({
  ...{ destination: LOGIND, path: MANAGER_PATH, interface: iface, member },
});

/** Unique name of who owns logind's name; null: nobody. */
export const ownerOf = async (bus: Bus): Promise<string | null> => {
  try {
    const [owner] = await bus.call(busTarget('GetNameOwner'), LOGIND);
    return typeof owner === 'string' ? owner : null;
  } catch {
    return null;
  }
};

/** What has to be heard: everything of logind, and the change of who it is. */
export const subscribe = async (bus: Bus): Promise<void> => {
  await bus.call(busTarget('AddMatch'), `type='signal',sender='${LOGIND}'`);
  await bus.call(busTarget('AddMatch'), `type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',arg0='${LOGIND}'`);
};

/** Properties by name, of `a{sv}`. */
export const propertiesOf = (value: Value | undefined): ReadonlyMap<string, Value> =>
  new Map((Array.isArray(value) ? value : []) as readonly (readonly [string, Value])[]);

/** A session that is watched, or null (presence.md "Conventions"). Remote ones have no seat. */
export const watchedSession = (path: string, uid: number, of: ReadonlyMap<string, Value>): SessionView | null => {
  const seat = of.get('Seat');
  const hasSeat = Array.isArray(seat) && seat[0] !== '';
  if (!hasSeat || of.get('Class') !== 'user' || of.get('Remote') === true || of.get('State') === 'closing') return null;
  const is = (name: string): boolean => of.get(name) === true;
  return { path, uid, active: is('Active'), locked: is('LockedHint'), idle: is('IdleHint'), askedUntilMs: 0 };
};

const isGone = (thrown: unknown): boolean => thrown instanceof Error && /NoSuchSession|UnknownObject/.test(thrown.message);

const readSession = async (bus: Bus, path: string, uid: number): Promise<SessionView | null> => {
  try {
    const [found] = await bus.call({ destination: LOGIND, path, interface: PROPERTIES, member: 'GetAll' }, SESSION_INTERFACE);
    return watchedSession(path, uid, propertiesOf(found));
  } catch (thrown) {
    // It ended since it was listed.
    if (isGone(thrown)) return null;
    throw thrown;
  }
};

/** Every watched session of these accounts. @throws Error where logind does not answer */
export const readSessions = async (bus: Bus, isOurs: (uid: number) => boolean): Promise<readonly SessionView[]> => {
  const [list = []] = await bus.call(manager('ListSessions'));
  const own = (list as readonly Value[][]).filter(([, uid]) => typeof uid === 'number' && isOurs(uid));
  const read = own.slice(0, PRESENCE_LIMITS.maxSessions).map(([, uid, , , path]) => readSession(bus, String(path), Number(uid)));
  return (await Promise.all(read)).filter((one) => one !== null);
};

/** Whether the machine goes to sleep now. @throws Error where logind does not answer */
export const isPreparingForSleep = async (bus: Bus): Promise<boolean> => {
  const [value] = await bus.call(manager('Get', PROPERTIES), MANAGER_INTERFACE, 'PreparingForSleep');
  return value === true;
};
