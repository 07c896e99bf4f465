/**
 * The units that make an allowed path readable for cells, and nothing else (docs/design/decisions.md).
 *
 * A maildir is mounted read-only below /srv/airlock/paths, so that no directory above it has to be opened, and the group of the
 * cells gets an access list on it. A calendar file is copied there, for programs replace such files whole. Both are done as the
 * owner of the path: what is put in its place by a link can give away only what the owner could read anyway.
 */
import { PATHS_ROOT, placeOf, type AllowedPath } from './registry.js';

export interface Unit {
  readonly name: string;
  readonly text: string;
}

const GROUP = 'airlock-cells';

const HARDENING = `NoNewPrivileges=yes
CapabilityBoundingSet=
PrivateNetwork=yes
PrivateTmp=yes
PrivateDevices=yes
PrivateIPC=yes
ProtectSystem=strict
ProtectProc=invisible
ProtectClock=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RestrictAddressFamilies=AF_UNIX
LockPersonality=yes
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
InaccessiblePaths=-/run/airlock -/run/dbus
TimeoutStartSec=10min`;

const quoted = (path: string): string => `"${path}"`;

/** Entries of the access list: directories can be searched, files read, and so can what comes later. */
export const ACCESS = `g:${GROUP}:rX,d:g:${GROUP}:rX`;

/**
 * Mail programs make files of mode 0600, which masks the entry that a new file takes over from its directory. Only those are
 * looked for: to change what is right already would wake the watch again.
 */
const unmask = (path: string): string =>
  [
    `ExecStart=/usr/bin/find ${quoted(path)} -xdev -type d ! -perm -050 -exec /usr/bin/setfacl --modify ${ACCESS} -- {} +`,
    `ExecStart=/usr/bin/find ${quoted(path)} -xdev -type f ! -perm -040 -exec /usr/bin/setfacl --modify g:${GROUP}:r -- {} +`,
    `ReadWritePaths=${quoted(path)}`,
  ].join('\n');

const copy = (path: string, name: string, place: string): string =>
  [
    `SupplementaryGroups=${GROUP}`,
    `ExecStart=/bin/cp --no-preserve=all -- ${quoted(path)} ${place}.new`,
    `ExecStart=/bin/mv -- ${place}.new ${place}`,
    'ProtectHome=read-only',
    `ReadWritePaths=${PATHS_ROOT}/${name}`,
  ].join('\n');

const job = ({ path, owner, kind, name }: AllowedPath): Unit => {
  const own = kind === 'maildir' ? unmask(path) : copy(path, name, placeOf({ name, kind }));
  return {
    name: `airlock-path-${name}.service`,
    text: `# Written by airlock-ctl path allow.
[Unit]
Description=Airlock: ${path} readable for cells

[Service]
Type=oneshot
User=${owner}
UMask=0027
${own}
${HARDENING}
`,
  };
};

/** @param folders directories of a maildir in which mail arrives */
const watch = ({ path, kind, name }: AllowedPath, folders: readonly string[]): Unit => ({
  name: `airlock-path-${name}.path`,
  text: `# Written by airlock-ctl path allow.
[Unit]
Description=Airlock: changes of ${path}

[Path]
${(kind === 'ics' ? [path] : folders).map((one) => `PathChanged=${one}`).join('\n')}
TriggerLimitIntervalSec=0

[Install]
WantedBy=multi-user.target
`,
});

const timer = ({ path, name }: AllowedPath): Unit => ({
  name: `airlock-path-${name}.timer`,
  text: `# Written by airlock-ctl path allow. For folders that came later than the watch.
[Unit]
Description=Airlock: ${path}, every ten minutes

[Timer]
OnBootSec=10s
OnUnitInactiveSec=10min

[Install]
WantedBy=timers.target
`,
});

const mount = ({ path, name, kind }: AllowedPath): Unit => ({
  name: `srv-airlock-paths-${name}.mount`,
  text: `# Written by airlock-ctl path allow.
[Unit]
Description=Airlock: ${path} as cells see it

[Mount]
What=${path}
Where=${placeOf({ name, kind })}
Type=none
Options=bind,ro,nosuid,nodev,noexec

[Install]
WantedBy=multi-user.target
`,
});

/** All units of one path, the job first. */
export const unitsOf = (allowed: AllowedPath, folders: readonly string[]): readonly Unit[] => [
  job(allowed),
  watch(allowed, folders),
  timer(allowed),
  ...(allowed.kind === 'maildir' ? [mount(allowed)] : []),
];
