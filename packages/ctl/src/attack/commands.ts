/** The wall of commands: what an agent says to its own socket, to airlock-ctl, and puts in its way. */
import { nodeLine, quote, type Probe, type Targets } from './probe.js';

/** Says one method to an agent socket after hello; exit 0 only where it is answered with a result. */
const SPEAK = `
const [path, method, params] = process.argv.slice(1);
const socket = require("net").connect(path);
let text = "";
const finish = (status) => { console.log(text.slice(0, 2000)); process.exit(status); };
socket.setTimeout(3000, () => finish(3));
socket.on("error", (error) => { text = error.message; finish(2); });
const say = (id, name, given) => socket.write(JSON.stringify({ jsonrpc: "2.0", id, method: name, params: given }) + "\\n");
socket.on("connect", () => { say(1, "hello", { client: "probe", protocol: 1 }); say(2, method, JSON.parse(params)); });
socket.setEncoding("utf8").on("data", (chunk) => {
  text += chunk;
  const answer = text.split("\\n").find((line) => line.includes('"id":2') || line.includes('"id":null'));
  if (answer !== undefined) finish(answer.includes('"result"') ? 0 : 1);
});
socket.on("close", () => finish(4));`;

const RESTART = 'sudo systemctl restart airlock-gateway';

/** Methods of the other sockets. Those that do something without parameters harm. */
const METHODS = [
  'request.approve',
  'pending',
  'lease.revoke',
  'enrol.begin',
  'action.open',
  'service.list',
  'ticket.create',
  'execute',
  'audit.query',
  'credentials.put',
  'attack.record',
];
const HARMFUL_METHODS = ['lock', 'unlock', 'heartbeat'];

const methods = ({ node, runtimeDir, ownRole }: Targets): Probe[] =>
  [...METHODS, ...HARMFUL_METHODS].map((method) => ({
    wall: 'commands',
    name: `${method} on the agent's own socket`,
    script: nodeLine(node, SPEAK, [`${runtimeDir}/agent/${ownRole}.sock`, method, '{}']),
    refusal: /METHOD_UNKNOWN|CODE_ON_AGENT_SOCKET|BLOCKED/,
    fix: RESTART,
    ...(HARMFUL_METHODS.includes(method) ? { harms: true as const } : {}),
  }));

/** Ids and a lease that were never given out: what a guess, or something overheard of another session, comes to. */
const MADE_UP = 'A'.repeat(22);
const FORGED = `al1.${'A'.repeat(120)}.${'A'.repeat(43)}`;
const REPLAYS: readonly (readonly [name: string, method: string, params: object])[] = [
  ['a lease that was made up', 'call', { lease: FORGED, service: 'mail', operation: 'count_unread', params: {} }],
  ['the release of a lease that was made up', 'access.release', { lease: FORGED }],
  ['a request of somebody else', 'access.wait', { request: MADE_UP, timeoutS: 0 }],
  ['a grant of somebody else', 'access.claim', { grant: MADE_UP }],
  ['an approved operation of somebody else', 'call.result', { request: MADE_UP }],
];

const replays = ({ node, runtimeDir, ownRole, foreignRoles }: Targets): Probe[] => {
  const other = foreignRoles[0] ?? 'operator';
  const hello = { client: 'probe', protocol: 1 };
  return [
    ...REPLAYS,
    [`hello as the role ${other}`, 'hello', { ...hello, role: other }] as const,
    ['the session of somebody else', 'hello', { ...hello, resume: MADE_UP }] as const,
  ].map(([name, method, params]) => ({
    wall: 'commands',
    name: `${name}, on the agent's own socket`,
    script: nodeLine(node, SPEAK, [`${runtimeDir}/agent/${ownRole}.sock`, method, JSON.stringify(params)]),
    refusal: /LEASE_|NOT_FOUND|PARAMS_INVALID|NOT_AUTHENTICATED|BLOCKED|NOT_ENROLLED|LOCKED/,
    fix: RESTART,
  }));
};

const LOOKS = ['pending', 'leases', 'audit', 'service list', 'credentials list'];
const ACTS = [
  'approve 123456',
  'deny --all',
  'lock',
  'unlock',
  'revoke --all',
  'totp setup',
  'lockout clear terminal',
  'credentials remove mail',
];
/** Where airlock-ctl itself says that it was stopped at the socket. Any other answer came from behind the wall. */
const AT_THE_WALL = 'no permission on|this needs root';

const refusedAtTheWall = (command: string): string =>
  `o="$(timeout 15 env ${command} </dev/null 2>&1 >/dev/null)"; s=$?; [ $s -lt 124 ] || { echo "$o" >&2; exit $s; }; ` +
  `grep -E '${AT_THE_WALL}' <<<"$o" >&2 && exit 1; exit 0`;

const operatorCommands = ({ operator, commands }: Targets): Probe[] =>
  [...LOOKS, ...ACTS].map((args) => ({
    wall: 'commands',
    name: `airlock-ctl ${args}`,
    script: refusedAtTheWall(`AIRLOCK_OPERATOR=${quote(operator)} ${commands.ctl} ${args}`),
    fix: 'sudo systemctl restart "airlock-*.socket"',
    ...(ACTS.includes(args) ? { harms: true as const } : {}),
  }));

const otherRoles = ({ foreignRoles, runtimeDir, commands }: Targets): Probe[] =>
  foreignRoles.flatMap((role) =>
    [
      [`the role ${role}`, `AIRLOCK_ROLE=${quote(role)}`],
      [`the socket of the role ${role}`, `AIRLOCK_SOCKET=${quote(`${runtimeDir}/agent/${role}.sock`)}`],
    ].map(([name = '', variable = '']): Probe => ({
      wall: 'commands',
      name,
      script: refusedAtTheWall(`${variable} ${commands.airlock} status`),
      fix: RESTART,
    })),
  );

/** Code that an agent leaves lying about, which must not get into airlock-ctl; here in a directory of its own. */
const injected = ({ commands }: Targets): Probe[] => {
  const evil = `require("fs").writeFileSync(process.env.RAN,"")`;
  const inDirectory = `d=$(mktemp -d) && trap 'rm -rf "$d"' EXIT && export RAN="$d/ran"`;
  return [
    {
      wall: 'commands',
      name: 'code brought into airlock-ctl by NODE_OPTIONS',
      script: `${inDirectory} && echo ${quote(evil)} >"$d/evil.cjs"; NODE_OPTIONS="--require=$d/evil.cjs" ${commands.ctl} --version >/dev/null; test -e "$RAN"`,
      fix: 'sudo ./install.sh',
    },
    {
      wall: 'commands',
      name: 'code brought into airlock-ctl from its working directory',
      script: `${inDirectory} && mkdir -p "$d/node_modules/yaml" && echo ${quote(evil)} >"$d/node_modules/yaml/index.js"; cd "$d" && ${commands.ctl} --version >/dev/null; test -e "$RAN"`,
      fix: 'sudo ./install.sh',
    },
  ];
};

/** The same against the operator's own login, which only root can try. */
const inTheWay = ({ operator }: Targets): Probe[] => [
  {
    wall: 'commands',
    name: 'airlock-ctl shadowed in the PATH of the operator',
    script:
      'mkdir -p ~/bin /tmp/bin && for d in ~/bin /tmp/bin; do printf "#!/bin/sh\\n" >$d/airlock-ctl; chmod 755 $d/airlock-ctl; done',
    then: { as: operator, script: 'test "$(bash -lc "command -v airlock-ctl")" != /usr/local/bin/airlock-ctl' },
    harms: true,
    fix: 'sudo ./install.sh',
  },
  {
    wall: 'commands',
    name: "code of the agent in the operator's airlock-ctl",
    script: 'echo \'require("fs").writeFileSync("/tmp/ran-"+process.getuid(),"")\' >/tmp/evil.cjs',
    then: {
      as: operator,
      script: 'NODE_OPTIONS=--require=/tmp/evil.cjs airlock-ctl --version >/dev/null; test -e /tmp/ran-$(id -u)',
    },
    harms: true,
    fix: 'sudo ./install.sh',
  },
];

export const commandProbes = (targets: Targets): Probe[] => [
  ...methods(targets),
  ...replays(targets),
  ...operatorCommands(targets),
  ...otherRoles(targets),
  ...injected(targets),
  ...inTheWay(targets),
];
