/** The end of the process, whatever its threads are doing. */

/** SIGKILL: no handler, no exit code, no time to finish anything. */
export const kill = (): void => {
  process.kill(process.pid, 'SIGKILL');
};
