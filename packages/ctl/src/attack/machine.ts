/** The wall of the machine: what it lets any user see of others, feed to them, or change for all. */
import { connectLine, finds, patternOf, quote, REINSTALL, type Probe, type Targets } from './probe.js';

/** Every process that is not one's own, as $p. */
const ofOthers = (body: string): string => `for p in /proc/[0-9]*; do [ -O "$p" ] || { ${body}; }; done 2>/dev/null; exit 1`;

const secrets = ({ secrets }: Targets): Probe[] => [
  {
    wall: 'machine',
    name: 'a secret in the command line of anybody',
    script: ofOthers(`tr '\\0' '\\n' <"$p/cmdline" | grep -qE '${patternOf(secrets)}' && exit 0`),
    fix: 'sudo systemctl restart airlock-totp airlock-gateway',
  },
  {
    wall: 'machine',
    name: 'the environment of anybody',
    script: ofOthers('IFS= read -r -d "" -n 1 _ <"$p/environ" && exit 0'),
    fix: 'sudo sysctl -w kernel.yama.ptrace_scope=1',
  },
  {
    wall: 'machine',
    name: 'a core dump of anybody',
    script: finds('/var/lib/systemd/coredump /var/crash', '-name "core.*" ! -name "core.*.$(id -u).*" -readable'),
    fix: 'sudo chmod -R go-r /var/lib/systemd/coredump',
  },
  {
    wall: 'machine',
    name: 'an area of swap',
    script: 'while read -r f _; do [ -r "$f" ] && exit 0; done < <(tail -n +2 /proc/swaps); exit 1',
    fix: 'sudo chmod 0600 /swapfile',
  },
];

/** Properties that the kernel is to enforce for a unit, as systemd has them now. */
const ofUnits = ({ units }: Targets): Probe[] =>
  units.flatMap((unit) =>
    [
      ['MemorySwapMax', 'may be swapped'],
      ['LimitCORE', 'may leave a core file'],
    ].map(([property = '', what = '']): Probe => ({
      wall: 'machine',
      name: `${unit} ${what}`,
      script: `v="$(systemctl show -P ${property} ${quote(unit)})" || exit 1; echo "$v"; [ "$v" != 0 ]`,
      fix: REINSTALL,
    })),
  );

/** What the operator looks at and types into. */
const terminals = ({ node, operator }: Targets): Probe[] => {
  const op = quote(operator);
  const screens = `"/tmp/tmux-$(id -u ${op})" /run/screen/S-${op}`;
  const gone = /EACCES|ENOENT|ECONNREFUSED/;
  return [
    ...['readable', 'writable'].map((how): Probe => ({
      wall: 'machine',
      name: `a terminal of ${operator} is ${how}`,
      script: finds('/dev/pts /dev/tty[0-9]*', `-user ${op} -${how}`),
      fix: `sudo chmod go-rw /dev/pts/*`,
    })),
    {
      wall: 'machine',
      name: `type into tmux or screen of ${operator}`,
      script: finds(screens, '-type s -writable'),
      fix: `sudo chmod 0700 /tmp/tmux-$(id -u ${operator})`,
    },
    {
      wall: 'machine',
      name: `use the ssh-agent of ${operator}`,
      script: finds('/tmp', `-maxdepth 2 -path "/tmp/ssh-*/agent.*" -user ${op} -writable`),
      fix: 'sudo chmod 0700 /tmp/ssh-*',
    },
    {
      wall: 'machine',
      name: `connect the session bus of ${operator}`,
      script: connectLine(node, 'PATH').replace(quote('PATH'), `"/run/user/$(id -u ${op})/bus"`),
      refusal: gone,
      fix: `sudo chmod 0700 /run/user/$(id -u ${operator})`,
    },
    {
      wall: 'machine',
      name: 'read the keyboard',
      script: finds('/dev/input', '-name "event*" -readable'),
      fix: 'sudo chmod o-r /dev/input/event*',
    },
  ];
};

/** Daemons that make anybody root who can talk to them. */
const ENGINES = [
  '/run/docker.sock',
  '/run/podman/podman.sock',
  '/run/containerd/containerd.sock',
  '/run/libvirt/libvirt-sock',
  '/var/lib/incus/unix.socket',
  '/var/snap/lxd/common/lxd/unix.socket',
] as const;

const engines = ({ node }: Targets): Probe[] =>
  ENGINES.map((path) => ({
    wall: 'machine',
    name: `connect ${path}`,
    script: connectLine(node, path),
    refusal: /EACCES|ENOENT|ECONNREFUSED|ENOTDIR/,
    fix: `sudo chmod o-rwx ${path}`,
  }));

/** Doors that no daemon of ours has: names in no directory, ports. Uids of listeners stand in the eighth column. */
const doors = (): Probe[] => [
  {
    wall: 'machine',
    name: 'an abstract socket of Airlock',
    script: 'grep -qE "@.*airlock" /proc/net/unix',
    fix: 'sudo systemctl restart airlock-totp airlock-gateway',
  },
  {
    wall: 'machine',
    name: 'a port that a daemon listens on',
    script:
      'for u in airlock-totp airlock-gateway; do i="$(id -u $u 2>/dev/null)" || continue; ' +
      `awk -v id="$i" '$4=="0A" && $8==id {f=1} END {exit !f}' /proc/net/tcp /proc/net/tcp6 && exit 0; done; exit 1`,
    fix: 'sudo systemctl restart airlock-totp airlock-gateway',
  },
];

/** adjtimex(2): read, then written back as it was. */
const ADJTIMEX: Readonly<Record<string, number>> = { x64: 159, arm64: 171 };

/** A user gets these only by a program that carries them, as capability or as root's. */
const UNCAP_PERL = 'sudo setcap -r "$(command -v perl)"; sudo chmod u-s "$(command -v perl)"';

const kernel = (adjtimex = ADJTIMEX[process.arch]): Probe[] => [
  {
    wall: 'machine',
    name: 'capture packets',
    script: `perl -e 'socket($s,17,3,0x300) or die "$!\\n"'`,
    refusal: /not permitted|not supported/,
    fix: UNCAP_PERL,
  },
  ...(adjtimex === undefined
    ? []
    : [
        {
          wall: 'machine' as const,
          name: 'set the clock',
          script: `perl -e '$b="\\0"x208; syscall(${adjtimex},$b)<0 and die "$!\\n"; substr($b,0,4)=pack("L",2); syscall(${adjtimex},$b)<0 and die "$!\\n"; exit 0'`,
          refusal: /not permitted/,
          fix: UNCAP_PERL,
        },
      ]),
];

export const machineProbes = (targets: Targets): Probe[] => [
  ...secrets(targets),
  ...ofUnits(targets),
  ...terminals(targets),
  ...engines(targets),
  ...doors(),
  ...kernel(),
];
