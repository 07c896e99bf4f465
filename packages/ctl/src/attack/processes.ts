/** The wall of processes: nothing of a daemon or a cell is seen, held, signalled or entered from outside. */
import { DENIED, openForWriting, patternOf, said, type Probe, type Targets } from './probe.js';

const NOT_PERMITTED = /not permitted|Permission denied/;

const inProc = (pid: number): Omit<Probe, 'wall' | 'fix'>[] => [
  ...['environ', 'maps', 'smaps', 'auxv', 'io', 'stack', 'syscall', 'pagemap', 'personality', `task/${pid}/environ`].map(
    (file) => ({
      name: `/proc/PID/${file.replace(String(pid), 'PID')}`,
      // Eight bytes: pagemap is read in entries of that size alone.
      script: `head -c 8 /proc/${pid}/${file} >/dev/null`,
      refusal: NOT_PERMITTED,
      rootCan: true as const,
    }),
  ),
  { name: '/proc/PID/mem', script: `dd if=/proc/${pid}/mem of=/dev/null bs=1 count=0`, refusal: DENIED, rootCan: true },
  ...['fd', 'map_files'].map((file) => ({
    name: `/proc/PID/${file}`,
    script: `ls /proc/${pid}/${file}/ >/dev/null`,
    refusal: DENIED,
    rootCan: true as const,
  })),
  ...['ns/net', 'cwd', 'root', 'exe'].map((file) => ({
    name: `/proc/PID/${file}`,
    script: `readlink /proc/${pid}/${file} >/dev/null || { echo Permission denied >&2; exit 1; }`,
    refusal: DENIED,
    rootCan: true as const,
  })),
  ...['oom_score_adj', 'coredump_filter', 'clear_refs'].map((file) => ({
    name: `write /proc/PID/${file}`,
    script: openForWriting(`/proc/${pid}/${file}`),
    refusal: DENIED,
    rootCan: true as const,
  })),
  { name: 'pages of it in swap', script: `grep -q '^VmSwap:.*[1-9]' /proc/${pid}/status` },
  { name: 'a core file of it', script: `grep '^Max core file size' /proc/${pid}/limits | grep -qv ' 0  *0 '` },
];

/** Numbers of process_vm_readv(2), pidfd_open(2) and pidfd_getfd(2), pidfd_send_signal(2) being 424 on both; where they are not known another call is not made by mistake. */
const CALLS: Readonly<Record<string, readonly [readv: number, open: number, getfd: number]>> = {
  x64: [310, 434, 438],
  arm64: [270, 434, 438],
};

const systemCalls = (pid: number, numbers = CALLS[process.arch]): Omit<Probe, 'wall' | 'fix'>[] => {
  if (numbers === undefined) return [];
  const [readv, open, getfd] = numbers;
  // An address that is not mapped is an answer of the memory itself; anything else, of the wall or of a process that has gone.
  const read = `$b="\\0"x8; $l=pack("PQ",$b,8); $r=pack("QQ",0x400000,8); $n=syscall(${readv},${pid},$l,1,$r,1,0); die "$!\\n" if $n<0 && !$!{EFAULT} && !$!{EIO}; exit 0`;
  const take = `$p=syscall(${open},${pid},0); die "$!\\n" if $p<0; $f=syscall(${getfd},$p,0,0); die "$!\\n" if $f<0; exit 0`;
  const signal = `$p=syscall(${open},${pid},0); die "$!\\n" if $p<0; $r=syscall(424,$p,0,0,0); die "$!\\n" if $r<0; exit 0`;
  return [
    { name: 'process_vm_readv', script: `perl -e '${read}'`, refusal: /not permitted/, rootCan: true },
    { name: 'pidfd_send_signal', script: `perl -e '${signal}'`, refusal: /not permitted/, rootCan: true },
    { name: 'pidfd_getfd', script: `perl -e '${take}'`, refusal: /not permitted/, rootCan: true },
  ];
};

const hold = (pid: number): Omit<Probe, 'wall' | 'fix'>[] => [
  ...systemCalls(pid),
  {
    name: 'strace',
    script: said(`timeout -s INT 2 strace -o /dev/null -p ${pid}`, 'attached'),
    refusal: /not permitted/,
    rootCan: true,
    harms: true,
  },
  {
    name: 'gdb',
    script: said(`timeout 20 gdb -nx -batch -p ${pid} -ex 'info threads'`, 'LWP'),
    refusal: /not permitted/,
    harms: true,
  },
  { name: 'prlimit', script: `prlimit --pid ${pid} --nofile --noheadings >/dev/null`, refusal: NOT_PERMITTED },
  { name: 'lower its limits', script: `prlimit --pid ${pid} --nofile=1:1`, refusal: NOT_PERMITTED, harms: true },
  { name: 'enter its namespaces', script: `nsenter -t ${pid} -n -m true`, refusal: NOT_PERMITTED, rootCan: true },
];

/** What it is given already, given again by somebody else. */
const schedule = (pid: number): Omit<Probe, 'wall' | 'fix'>[] => [
  { name: 'renice', script: `renice -n "$(ps -o ni= -p ${pid})" -p ${pid} >/dev/null`, refusal: NOT_PERMITTED, rootCan: true },
  {
    name: 'taskset',
    script: `m="$(taskset -p ${pid})" && taskset -p "\${m##*: }" ${pid} >/dev/null`,
    refusal: NOT_PERMITTED,
    rootCan: true,
  },
  { name: 'chrt', script: `chrt -o -p 0 ${pid}`, refusal: NOT_PERMITTED, rootCan: true },
];

/** Signals that a process ignores by itself, then those that end or stop it. */
const signals = (pid: number): Omit<Probe, 'wall' | 'fix'>[] => [
  { name: 'kill -0', script: `kill -0 ${pid}`, refusal: /not permitted/, rootCan: true },
  ...['URG', 'WINCH'].map((signal) => ({ name: `kill -${signal}`, script: `kill -${signal} ${pid}`, refusal: /not permitted/ })),
  ...['KILL', 'STOP', 'USR1', 'TERM'].map((signal) => ({
    name: `kill -${signal}`,
    script: `kill -${signal} ${pid}`,
    refusal: /not permitted/,
    harms: true as const,
  })),
];

/** Everything that is tried on one process. */
export const processProbes = (name: string, pid: number, { secrets }: Targets): Probe[] =>
  [
    ...inProc(pid),
    {
      name: 'a secret in /proc/PID/cmdline',
      script: `tr '\\0' '\\n' </proc/${pid}/cmdline | grep -qE '${patternOf(secrets)}'`,
    },
    ...hold(pid),
    ...schedule(pid),
    ...signals(pid),
  ].map((probe) => ({
    ...probe,
    wall: 'processes',
    name: `${name}: ${probe.name}`,
    fix: name === 'cell' || name === 'mcp' ? 'sudo systemctl restart airlock-gateway' : `sudo systemctl restart airlock-${name}`,
  }));
