/** Ways to the other side of the wall, tried from an agent's uid. Exit 0 of the script means that the wall has a hole. */

export interface Probe {
  readonly name: string;
  /** Shell, run as the agent. */
  readonly script: string;
  /** Shell, run as `as` afterwards: its exit decides instead. */
  readonly then?: { readonly as: string; readonly script: string };
  /** What the refusal must say, where one reason alone is right. */
  readonly refusal?: RegExp;
  /** Root gets through: such probes are run as root too, to prove that they can succeed. */
  readonly rootCan?: true;
}

export interface Targets {
  readonly self: string;
  readonly ownRole: string;
  readonly otherAgent: string;
  readonly otherRole: string;
  readonly operator: string;
  readonly pids: Readonly<Record<'totp' | 'gateway' | 'cell', number>>;
  /** Files below the state directories that hold keys or sealed records. */
  readonly stateFiles: readonly string[];
  /** What must not stand in a command line. */
  readonly secrets: readonly string[];
}

const RUN = '/run/airlock';
const CONNECT = `perl -MIO::Socket::UNIX -e 'IO::Socket::UNIX->new(Peer => $ARGV[0]) or die "$!\\n"'`;
const DENIED = /Permission denied/;
const write = (path: string): string => `echo probe >>${path}`;
/** For programs whose status does not tell: a word of theirs does. */
const said = (command: string, word: string): string => `o=$(${command} 2>&1); echo "$o"; grep -q ${word} <<<"$o"`;

const foreignSockets = ({ operator, otherRole }: Targets): string[] => [
  `agent/${otherRole}.sock`,
  `operator/${operator}.sock`,
  `approve/${operator}.sock`,
  'bridge.sock',
  'release.sock',
  'root.sock',
  'cell/0.sock',
  'cell/15.sock',
];

const socketProbes = (targets: Targets): Probe[] => {
  const foreign = foreignSockets(targets);
  const all = [...foreign, `agent/${targets.ownRole}.sock`];
  return [
    ...foreign.map((file): Probe => ({
      name: `connect ${file}`,
      script: `${CONNECT} ${RUN}/${file}`,
      refusal: DENIED,
      rootCan: true,
    })),
    ...all.map((file): Probe => ({ name: `chmod ${file}`, script: `chmod 0666 ${RUN}/${file}` })),
    ...all.map((file): Probe => ({ name: `unlink ${file}`, script: `unlink ${RUN}/${file}` })),
    ...['', 'agent', 'operator', 'approve', 'cell'].map((directory): Probe => ({
      name: `new file in ${RUN}/${directory}`,
      script: write(`${RUN}/${directory}/probe`),
    })),
    { name: 'rename a directory of sockets', script: `mv ${RUN}/agent ${RUN}/agent2` },
    {
      name: 'connect through a symbolic link',
      script: `ln -sfn ${RUN}/operator/${targets.operator}.sock /tmp/l.$$ && ${CONNECT} /tmp/l.$$`,
      refusal: DENIED,
      rootCan: true,
    },
    {
      name: 'connect through a hard link',
      script: `ln ${RUN}/operator/${targets.operator}.sock ${RUN}/../h.$$ || ln ${RUN}/operator/${targets.operator}.sock /tmp/h.$$`,
    },
    {
      name: 'connect through /proc of a daemon',
      script: `${CONNECT} /proc/${targets.pids.gateway}/root${RUN}/bridge.sock`,
      refusal: DENIED,
    },
    { name: 'connect as root of a user namespace', script: `unshare -Ur ${CONNECT} ${RUN}/operator/${targets.operator}.sock` },
  ];
};

const fileProbes = ({ operator, otherAgent, otherRole, stateFiles }: Targets): Probe[] => [
  ...['/var/lib/airlock-totp', '/var/lib/airlock-gateway', '/root', `/run/user-${operator}`].map((path): Probe => ({
    name: `list ${path}`,
    script: `ls ${path}`,
    refusal: /Permission denied|No such file/,
  })),
  ...stateFiles.map((path): Probe => ({ name: `read ${path}`, script: `cat ${path}`, refusal: DENIED, rootCan: true })),
  ...['/etc/airlock/wrap.cred', '/var/lib/systemd/credential.secret'].map((path): Probe => ({
    name: `read ${path}`,
    script: `cat ${path}`,
    refusal: DENIED,
    rootCan: true,
  })),
  {
    name: 'read the credential of the unit',
    script: 'cat /run/credentials/airlock-totp.service/airlock-wrap',
    refusal: DENIED,
    rootCan: true,
  },
  { name: 'read state as root of a user namespace', script: `unshare -Ur cat ${stateFiles[0] ?? '/var/lib/airlock-totp'}` },
  { name: "read the other agent's lease", script: `cat /run/user-${otherAgent}/airlock/${otherRole}.lease`, refusal: DENIED },
  { name: 'read the journal of airlock-totp', script: 'journalctl -q -u airlock-totp --no-pager | grep -q .' },
  { name: 'open a shell in a state directory', script: 'cd /var/lib/airlock-gateway' },
  ...[
    '/etc/airlock/airlock.yaml',
    '/etc/airlock/roles.json',
    '/etc/airlock/compiled/config.json',
    '/etc/airlock/keys/totp.vkey',
    '/etc/airlock/connectors/probe.json',
    '/etc/airlock/policies/probe.json',
    '/usr/lib/airlock/airlock-gateway.cjs',
    '/usr/lib/airlock/airlock-ctl',
    '/usr/lib/airlock/node',
    '/usr/lib/airlock/connectors/mail.cjs',
    '/usr/local/bin/airlock-ctl',
    '/etc/systemd/system/airlock-totp.service',
    '/etc/systemd/system/airlock-gateway.service.d/probe.conf',
    '/etc/profile.d/probe.sh',
    '/etc/ld.so.preload',
    `/home/${operator}/.bashrc`,
    `/run/user-${operator}/probe`,
  ].map((path): Probe => ({
    name: `write ${path}`,
    script: write(path),
    refusal: /Permission denied|No such file|Text file busy/,
  })),
  { name: 'replace the installed command by a link', script: 'ln -sfn /tmp/evil /usr/local/bin/airlock-ctl' },
  {
    name: 'state directory replaced by a link',
    script: 'mv /var/lib/airlock-totp /var/lib/x || ln -sfn /tmp /var/lib/airlock-totp/x',
  },
];

const processProbes = (name: string, pid: number, { secrets }: Targets): Probe[] => [
  ...['environ', 'maps', 'smaps', 'auxv', 'io', 'stack', 'syscall'].map((file): Probe => ({
    name: `${name}: /proc/PID/${file}`,
    script: `cat /proc/${pid}/${file}`,
    refusal: /Permission denied|not permitted/,
    rootCan: true,
  })),
  { name: `${name}: /proc/PID/mem`, script: `dd if=/proc/${pid}/mem of=/dev/null bs=1 count=0`, refusal: DENIED, rootCan: true },
  ...['fd', 'map_files', 'ns/net'].map((file): Probe => ({
    name: `${name}: /proc/PID/${file}`,
    script: file.startsWith('ns')
      ? `readlink /proc/${pid}/${file} && exit 0; echo Permission denied >&2; exit 1`
      : `ls /proc/${pid}/${file}/`,
    refusal: DENIED,
    rootCan: true,
  })),
  ...['cwd', 'root', 'exe'].map((file): Probe => ({
    name: `${name}: /proc/PID/${file}`,
    script: `readlink /proc/${pid}/${file} || { echo Permission denied >&2; exit 1; }`,
    refusal: DENIED,
    rootCan: true,
  })),
  {
    name: `${name}: a secret in /proc/PID/cmdline`,
    script: `tr '\\0' '\\n' </proc/${pid}/cmdline | grep -qE '${secrets.join('|')}'`,
  },
  {
    name: `${name}: strace`,
    script: said(`timeout -s INT 2 strace -o /dev/null -p ${pid}`, 'attached'),
    refusal: /not permitted/,
    rootCan: true,
  },
  {
    name: `${name}: gdb`,
    script: said(`timeout 20 gdb -nx -batch -p ${pid} -ex 'info threads'`, 'LWP'),
    refusal: /not permitted/,
  },
  {
    name: `${name}: process_vm_readv`,
    script: `perl -e '$b="\\0"x8; $l=pack("PQ",$b,8); $r=pack("QQ",0x400000,8); $n=syscall(310,${pid},$l,1,$r,1,0); die "$!\\n" if $n<0 && $!{EPERM}; exit 0'`,
    refusal: /not permitted/,
    rootCan: true,
  },
  {
    name: `${name}: pidfd_getfd`,
    script: `perl -e '$p=syscall(434,${pid},0); $f=syscall(438,$p,0,0); die "$!\\n" if $f<0; exit 0'`,
    refusal: /not permitted/,
    rootCan: true,
  },
  { name: `${name}: kill -0`, script: `kill -0 ${pid}`, refusal: /not permitted/, rootCan: true },
  ...['KILL', 'STOP', 'USR1', 'TERM'].map((signal): Probe => ({
    name: `${name}: kill -${signal}`,
    script: `kill -${signal} ${pid}`,
    refusal: /not permitted/,
  })),
  { name: `${name}: prlimit`, script: `prlimit --pid ${pid} --nofile=1:1`, refusal: /not permitted|Permission denied/ },
  {
    name: `${name}: enter its namespaces`,
    script: `nsenter -t ${pid} -n -m true`,
    refusal: /not permitted|Permission denied/,
    rootCan: true,
  },
];

const rightsProbes = ({ operator, self }: Targets): Probe[] => [
  ...[
    'sudo -n true',
    `sudo -n -u ${operator} true`,
    `runuser -u ${operator} true`,
    `su ${operator} -c true </dev/null`,
    `sg airlock-o-${operator} -c true </dev/null`,
  ].map((script): Probe => ({ name: script, script })),
  ...[
    `usermod -aG airlock-o-${operator} ${self}`,
    `gpasswd -a ${self} airlock-o-${operator}`,
    'systemctl stop airlock-gateway',
    'systemctl kill airlock-totp',
    'systemctl edit --runtime --force airlock-totp </dev/null',
    `systemd-run --uid=${operator} true`,
  ].map((script): Probe => ({ name: script, script })),
  {
    name: 'StopUnit over D-Bus',
    script:
      'busctl call org.freedesktop.systemd1 /org/freedesktop/systemd1 org.freedesktop.systemd1.Manager StopUnit ss airlock-totp.service replace',
  },
  ...[
    'approve 123456',
    'pending',
    'deny --all',
    'lock',
    'unlock',
    'revoke --all',
    'leases',
    'audit',
    'totp setup',
    'role add probe --user bot',
    'credentials get mail',
  ].map((args): Probe => ({
    name: `airlock-ctl ${args}`,
    script: `AIRLOCK_OPERATOR=${operator} airlock-ctl ${args} </dev/null`,
  })),
];

const speak = (socket: string, method: string, params = '{}'): string =>
  `node /checkout/test/dist/system/speak.js ${RUN}/${socket} ${method} '${params}'`;

const commandProbes = ({ ownRole, otherRole, operator }: Targets): Probe[] => [
  ...[
    'request.approve',
    'pending',
    'lock',
    'unlock',
    'lease.revoke',
    'enrol.begin',
    'action.open',
    'service.list',
    'ticket.create',
    'heartbeat',
    'execute',
  ].map((method): Probe => ({
    name: `${method} on the agent's own socket`,
    script: speak(`agent/${ownRole}.sock`, method),
    refusal: /METHOD_UNKNOWN|CODE_ON_AGENT_SOCKET/,
  })),
  { name: 'the role of the other agent', script: `AIRLOCK_ROLE=${otherRole} airlock status`, refusal: /./ },
  { name: 'the socket of the other agent', script: `AIRLOCK_SOCKET=${RUN}/agent/${otherRole}.sock airlock status`, refusal: /./ },
  {
    name: 'airlock-ctl shadowed in the PATH of the operator',
    script:
      'mkdir -p ~/bin /tmp/bin && for d in ~/bin /tmp/bin; do printf "#!/bin/sh\\n" >$d/airlock-ctl; chmod 755 $d/airlock-ctl; done',
    then: { as: operator, script: 'test "$(bash -lc "command -v airlock-ctl")" != /usr/local/bin/airlock-ctl' },
  },
  {
    name: 'code brought into airlock-ctl by NODE_OPTIONS',
    script: 'echo \'require("fs").writeFileSync("/tmp/ran-"+process.getuid(),"")\' >/tmp/evil.cjs',
    then: {
      as: operator,
      script: 'NODE_OPTIONS=--require=/tmp/evil.cjs airlock-ctl --version >/dev/null; test -e /tmp/ran-$(id -u)',
    },
  },
  {
    name: 'code brought into airlock-ctl from its working directory',
    script:
      'mkdir -p /tmp/cwd/node_modules/yaml && echo \'require("fs").writeFileSync("/tmp/ran2-"+process.getuid(),"")\' >/tmp/cwd/node_modules/yaml/index.js',
    then: { as: operator, script: 'cd /tmp/cwd && airlock-ctl --version >/dev/null; test -e /tmp/ran2-$(id -u)' },
  },
];

/** Everything that is tried from one agent's uid. */
export const probesOf = (targets: Targets): Probe[] => [
  ...socketProbes(targets),
  ...fileProbes(targets),
  ...Object.entries(targets.pids).flatMap(([name, pid]) => processProbes(name, pid, targets)),
  ...rightsProbes(targets),
  ...commandProbes(targets),
];
