/** The wall of sockets: root owns each, and its group alone may connect. */
import { connectLine, DENIED, openForWriting, quote, type Probe, type Targets } from './probe.js';

const foreignSockets = ({ operator, foreignRoles, moreSockets }: Targets): string[] => [
  ...foreignRoles.map((role) => `agent/${role}.sock`),
  `operator/${operator}.sock`,
  `approve/${operator}.sock`,
  'bridge.sock',
  'release.sock',
  'root.sock',
  'cell/0.sock',
  'cell/15.sock',
  'mcp/0.sock',
  'mcp/15.sock',
  ...moreSockets,
];

/** Modes and groups of sockets come from their units. */
const RESTART = 'sudo systemctl restart "airlock-*.socket"';

const onEverySocket = ({ runtimeDir, ownRole }: Targets, foreign: readonly string[]): Probe[] =>
  [...foreign, `agent/${ownRole}.sock`].flatMap((file): Probe[] => {
    const path = quote(`${runtimeDir}/${file}`);
    return [
      { wall: 'sockets', name: `chmod ${file} to what it is`, script: `chmod "$(stat -c %a ${path})" ${path}`, fix: RESTART },
      { wall: 'sockets', name: `chmod ${file}`, script: `chmod 0666 ${path}`, harms: true, fix: RESTART },
      { wall: 'sockets', name: `unlink ${file}`, script: `unlink ${path}`, harms: true, fix: RESTART },
    ];
  });

const detours = ({ node, runtimeDir, operator, pids }: Targets): Probe[] => {
  const path = `${runtimeDir}/operator/${operator}.sock`;
  const gateway = pids['gateway'];
  return [
    {
      wall: 'sockets',
      name: 'connect through a symbolic link',
      script: `d=$(mktemp -d) && trap 'rm -rf "$d"' EXIT && ln -s ${quote(path)} "$d/l" && ${connectLine(node, '/dev/null').replace(quote('/dev/null'), '"$d/l"')}`,
      refusal: DENIED,
      rootCan: true,
      fix: RESTART,
    },
    {
      wall: 'sockets',
      name: 'connect as root of a user namespace',
      script: `unshare -Ur ${connectLine(node, path)}`,
      fix: RESTART,
    },
    {
      wall: 'sockets',
      name: 'connect through a hard link',
      script: `ln ${quote(path)} ${quote(`${runtimeDir}/../h.`)}$$ || ln ${quote(path)} /tmp/h.$$`,
      harms: true,
      fix: RESTART,
    },
    {
      wall: 'sockets',
      name: 'rename a directory of sockets',
      script: `mv ${quote(`${runtimeDir}/agent`)} ${quote(`${runtimeDir}/agent2`)}`,
      harms: true,
      fix: RESTART,
    },
    ...(gateway === undefined
      ? []
      : [
          {
            wall: 'sockets' as const,
            name: 'connect through /proc of a daemon',
            script: connectLine(node, `/proc/${gateway}/root${runtimeDir}/bridge.sock`),
            refusal: DENIED,
            fix: RESTART,
          },
        ]),
  ];
};

export const socketProbes = (targets: Targets): Probe[] => {
  const { node, runtimeDir } = targets;
  const foreign = foreignSockets(targets);
  return [
    ...foreign.map((file): Probe => ({
      wall: 'sockets',
      name: `connect ${file}`,
      script: connectLine(node, `${runtimeDir}/${file}`),
      refusal: DENIED,
      rootCan: true,
      fix: RESTART,
    })),
    ...onEverySocket(targets, foreign),
    ...['', '/agent', '/operator', '/approve', '/cell', '/mcp'].map((directory): Probe => ({
      wall: 'sockets',
      name: `new file in ${runtimeDir}${directory}`,
      script: openForWriting(`${runtimeDir}${directory}/.airlock-probe`),
      fix: `sudo chmod 0755 ${runtimeDir}${directory} && sudo chown root: ${runtimeDir}${directory}`,
    })),
    ...detours(targets),
  ];
};
