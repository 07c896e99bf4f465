/** Memory, processor time and start of the processes of one instance, and of no other on the machine. */
import { pidsOf, type ProgramName, type Running } from '@airlock/testkit';
import { readFileSync } from 'node:fs';

/** Linux counts the start of a process in ticks, 100 a second. */
const TICK_MS = 10;

/** VmRSS in MB, pages shared with other Node processes included; 0 where the process is gone. */
const residentMb = (pid: number): number => {
  try {
    return Math.round(Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024);
  } catch {
    return 0;
  }
};

/** MB of the largest process of a program: of cells, the one that works. */
const largestMb = (running: Running, program: ProgramName): number => Math.max(0, ...pidsOf(running, program).map(residentMb));

export const memoryOf = (running: Running): { totp: number; gateway: number; cell: number } => ({
  totp: largestMb(running, 'airlock-totp'),
  gateway: largestMb(running, 'airlock-gateway'),
  cell: largestMb(running, 'airlock-cell'),
});

/** The fields of /proc/PID/stat behind the name, which may hold anything. */
const statOf = (pid: number): string[] =>
  readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');

/** Processor time, user and system, to 10 ms; on a busy machine it says more than the wall. */
const cpuMs = (pid: number): number => {
  const stat = statOf(pid);
  return (Number(stat[11]) + Number(stat[12])) * TICK_MS;
};

/** Of gateway and of all cells of an instance, of which one works. */
export const cpuMsOf = (running: Running): { gateway: number; cell: number } => {
  const sum = (program: ProgramName): number => pidsOf(running, program).reduce((total, pid) => total + cpuMs(pid), 0);
  return { gateway: sum('airlock-gateway'), cell: sum('airlock-cell') };
};

/** Milliseconds since a process began, to 10 ms. */
export const ageMs = (pid: number): number => {
  const ticks = Number(
    readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')[19],
  );
  const uptimeS = Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]);
  return Math.round(uptimeS * 1000 - ticks * TICK_MS);
};
