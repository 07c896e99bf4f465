/** Weakened processes: tools that run as root or with capabilities, and daemons that run as the agent's own user. */
import type { Rule } from './weakened.js';

/** Which tool each probe uses. */
const setuid = (probe: string, tool: string): Rule => [
  new RegExp(`^processes: \\w+: (?:${probe})$`),
  () => ({ apply: `setuid ${tool}` }),
];

const SIGNALS = 'kill -(?:KILL|STOP|USR1|TERM)';

export const PROCESSES: readonly Rule[] = [
  setuid('/proc/PID/(?:environ|maps|smaps|auxv|io|stack|syscall|pagemap|personality|task/PID/environ)', 'head'),
  setuid('/proc/PID/mem', 'dd'),
  setuid('/proc/PID/(?:fd|map_files)', 'ls'),
  setuid('/proc/PID/(?:ns/net|cwd|root|exe)', 'readlink'),
  setuid('prlimit', 'prlimit'),
  setuid('enter its namespaces', 'nsenter'),
  setuid('renice', 'renice'),
  setuid('taskset', 'taskset'),
  setuid('chrt', 'chrt'),
  [/^processes: \w+: (?:write \/proc\/PID\/\w+|kill -(?:0|URG|WINCH))$/, () => ({ apply: 'capable bash' })],
  [/^processes: \w+: (?:process_vm_readv|pidfd_\w+)$/, () => ({ apply: 'capable perl' })],
  [
    /^processes: (\w+): pages of it in swap$/,
    ([, name = ''], { pids }) => ({ apply: `cover /proc/${pids[name]}/status 0444 'VmSwap:	4 kB'` }),
  ],
  // What ends, stops or holds a process is shown on one that may be lost.
  [/^processes: \w+: (?:a secret in \/proc\/PID\/cmdline|a core file of it)$/, () => ({ victim: true, apply: 'victim' })],
  [new RegExp(`^processes: \\w+: (?:strace|gdb|lower its limits|${SIGNALS})$`), () => ({ victim: true, apply: 'victim' })],
];
