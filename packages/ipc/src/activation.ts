/**
 * Sockets that systemd opened for us (sd_listen_fds(3)).
 *
 * IPC-1  descriptors are mapped strictly by LISTEN_FDNAMES; their order is not fixed.
 * IPC-2  variables meant for another process (LISTEN_PID) or that do not add up are refused, not guessed.
 * IPC-3  the variables are deleted, so that no child takes our sockets for its own.
 */

/** sd_listen_fds(3): SD_LISTEN_FDS_START. */
const FIRST_FD = 3;
/** More than any configuration has; a bound for a number that comes from outside. */
const MAX_FDS = 4096;

const readCount = (text: string): number => {
  const count = /^[0-9]{1,4}$/.test(text) ? Number(text) : NaN;
  if (!(count >= 1 && count <= MAX_FDS)) throw new Error(`LISTEN_FDS is no count of descriptors: ${JSON.stringify(text)}`);
  return count;
};

const checkPid = (text: string | undefined, pid: number): void => {
  if (text !== undefined && text !== String(pid)) throw new Error(`LISTEN_PID names process ${text}, this is ${pid}`);
};

const nameFds = (names: readonly string[]): Map<string, number> => {
  const fds = new Map<string, number>();
  for (const [index, name] of names.entries()) {
    if (name === '' || name === 'unknown') throw new Error(`descriptor ${FIRST_FD + index} has no name: set FileDescriptorName=`);
    if (fds.has(name)) throw new Error(`two sockets are called ${name}`);
    fds.set(name, FIRST_FD + index);
  }
  return fds;
};

/**
 * Listening descriptors by name; empty where nobody passed any. Deletes the variables from `env`.
 * @throws Error where pid, count and names do not fit together.
 */
export const takeActivatedSockets = (env: NodeJS.ProcessEnv, pid: number = process.pid): Map<string, number> => {
  const { LISTEN_FDS: fdsText, LISTEN_FDNAMES: namesText, LISTEN_PID: pidText } = env;
  delete env['LISTEN_FDS'];
  delete env['LISTEN_FDNAMES'];
  delete env['LISTEN_PID'];
  if (fdsText === undefined) return new Map();
  checkPid(pidText, pid);
  const count = readCount(fdsText);
  const names = (namesText ?? '').split(':');
  if (names.length !== count) throw new Error(`LISTEN_FDS says ${count}, LISTEN_FDNAMES has ${names.length} names`);
  return nameFds(names);
};
