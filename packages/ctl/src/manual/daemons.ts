/** airlock-totp(8), airlock-gateway(8), airlock-export(8), airlock-presence(8) and airlock-cell(8): environment, sockets, files, signals (docs/design/runtime.md). */
import { bold, manualPage, type Block } from '@airlock/protocol/command';

type Rows = readonly (readonly [name: string, meaning: string])[];

interface Daemon {
  readonly name: string;
  readonly title: string;
  readonly about: readonly string[];
  readonly sockets: Rows;
  readonly environment: Rows;
  readonly files: Rows;
  readonly signals: Rows;
  readonly status: Rows;
  readonly commands: readonly (readonly [what: string, line: string])[];
  readonly seeAlso: string;
}

const ACTIVATION: Rows = [
  [
    'LISTEN_FDS, LISTEN_FDNAMES, LISTEN_PID',
    'sockets handed over by systemd; the daemon opens none by itself. A role or an operator is taken from the name of the socket, and from nowhere else.',
  ],
  ['AIRLOCK_RUNTIME_DIR', 'directory of the sockets. /run/airlock.'],
  ['AIRLOCK_BOOT_ID', 'id of this boot; leases do not outlive it. Else /proc/sys/kernel/random/boot_id is read.'],
];
const CONFIG: Rows = [['AIRLOCK_CONFIG_DIR', 'directory of the configuration. /etc/airlock.']];
const CONNECTORS: Rows = [
  [
    'AIRLOCK_CONNECTORS',
    'directories of manifests and connector modules, separated by colons; a kind that stands twice is taken from the first. /usr/lib/airlock/connectors:/etc/airlock/connectors.',
  ],
];
const STOP: Rows = [
  [
    'SIGTERM, SIGINT',
    'stop: sockets are closed, what was answered is on disk, exit status 0. systemd keeps the sockets; the next connection starts the daemon again.',
  ],
];

export const DAEMONS: readonly Daemon[] = [
  {
    name: 'airlock-totp',
    title: 'approvals, leases and keys of Airlock',
    about: [
      'airlock-totp holds the TOTP secret, the queue of requests, the root of the vault and the key of leases. It compares codes, mints leases, registers them and ends them, and gives the key of one record to one cell for as long as a lease lives. It has no network and never holds a credential.',
      'Where it cannot read its state or its configuration it starts sealed: it answers, says why, and serves nothing else.',
    ],
    sockets: [
      ['/run/airlock/approve/OPERATOR.sock', 'requests, codes, leases. Mode 0660, group airlock-o-OPERATOR.'],
      ['/run/airlock/bridge.sock', 'what airlock-gateway asks. Mode 0660, group airlock-gateway.'],
      ['/run/airlock/release.sock', 'where a cell redeems its one-use ticket. Mode 0660, group airlock-cells.'],
      ['/run/airlock/presence.sock', 'what airlock-presence sees. Mode 0660, group airlock-presence.'],
      ['/run/airlock/root.sock', 'enrolment, lockouts, backups. Mode 0600, root.'],
    ],
    environment: [
      ...ACTIVATION,
      ...CONFIG,
      ['STATE_DIRECTORY', 'directory of its state. /var/lib/airlock-totp.'],
      [
        'CREDENTIALS_DIRECTORY',
        'directory with airlock-wrap, the wrapping key of 32 bytes. Without it the key is wrap.key below the state directory.',
      ],
    ],
    files: [
      [
        '/var/lib/airlock-totp',
        'its state, mode 0700: wrapped secrets, used steps, its log, the signed heads of both logs, and a restore until it has taken effect.',
      ],
      ['/etc/airlock/wrap.cred', 'the wrapping key, sealed by systemd-creds to the TPM2 or to the key of the host.'],
      ['/etc/airlock/keys/totp.vkey', 'public key of the heads of its log.'],
    ],
    signals: STOP,
    status: [
      ['0', 'stopped by a signal.'],
      ['1', 'it could not start; the journal says why.'],
    ],
    commands: [
      ['what it says of itself', 'journalctl -u airlock-totp'],
      ['is it up, is it sealed', 'airlock-ctl status'],
    ],
    seeAlso: 'airlock-ctl(1), airlock-gateway(8), airlock-cell(8), airlock.yaml(5)',
  },
  {
    name: 'airlock-gateway',
    title: 'enforcement, sealed vault and audit log of Airlock',
    about: [
      'airlock-gateway answers agents. It checks each call against its lease, records the decision before anything follows from it, hands the call to the cell of that lease and service, and records the outcome. It keeps the sealed records of credentials and cannot open them: it has neither the TOTP secret nor the key of a record. It has no network.',
      'Without a heartbeat of airlock-totp it serves no call.',
    ],
    sockets: [
      ['/run/airlock/agent/ROLE.sock', 'agents of a role. Mode 0660, group airlock-r-ROLE.'],
      ['/run/airlock/operator/OPERATOR.sock', 'services, credentials, the record. Mode 0660, group airlock-o-OPERATOR.'],
      ['/run/airlock/bridge.sock', 'where it connects to airlock-totp.'],
      ['/run/airlock/cell/N.sock', 'where it connects to cells. Mode 0660, group airlock-gateway.'],
    ],
    environment: [
      ...ACTIVATION,
      ...CONFIG,
      ...CONNECTORS,
      ['STATE_DIRECTORY', 'directory of its state. /var/lib/airlock-gateway.'],
      ['AIRLOCK_CELL_SLOTS', 'how many cells there may be at once. 16.'],
    ],
    files: [
      ['/var/lib/airlock-gateway', 'its state, mode 0700: services, sealed records, the audit log.'],
      ['/etc/airlock/keys/gateway.vkey', 'public key of the heads of its log.'],
    ],
    signals: STOP,
    status: [
      ['0', 'stopped by a signal.'],
      ['1', 'it could not start; the journal says why.'],
    ],
    commands: [
      ['what it says of itself', 'journalctl -u airlock-gateway'],
      ['is the record whole', 'airlock-ctl audit verify'],
    ],
    seeAlso: 'airlock(1), airlock-ctl(1), airlock-totp(8), airlock-cell(8), airlock.yaml(5)',
  },
  {
    name: 'airlock-export',
    title: 'tells the record of Airlock to syslog and OTLP receivers',
    about: [
      'airlock-export reads the log of airlock-gateway over a socket of its own and tells it to the sinks of airlock.yaml (audit.sinks). It ends at once where there are none. It can ask for nothing but the log, and change nothing.',
      'Each sink has a position on disk; what is behind it is told until it was received, at least once and in order. A receiver that is slow, dead or refusing delays its own sink and nothing else.',
    ],
    sockets: [['/run/airlock/export.sock', 'the log of airlock-gateway. Mode 0660, group airlock-export.']],
    environment: [...CONFIG, ['STATE_DIRECTORY', 'directory of the positions. /var/lib/airlock-export.']],
    files: [['/var/lib/airlock-export/SINK.json', 'how far a sink has come; without it everything is told again.']],
    signals: STOP,
    status: [
      ['0', 'stopped by a signal, or there are no sinks.'],
      ['1', 'it could not start; the journal says why.'],
    ],
    commands: [
      ['what it says of itself', 'journalctl -u airlock-export'],
      ['after a change of audit.sinks', 'airlock-ctl config compile; systemctl restart airlock-export'],
    ],
    seeAlso: 'airlock-ctl(1), airlock-gateway(8), airlock.yaml(5)',
  },
  {
    name: 'airlock-presence',
    title: 'tells Airlock whether its operators are there',
    about: [
      'airlock-presence watches the sessions of systemd-logind over the system bus and tells airlock-totp over a socket of its own. While the screen of an operator is locked, their session is idle or not in front, or the machine sleeps, leases are frozen: every call is refused. Back at the screen reading goes on, and what writes or sends out needs a code. It can freeze, and thaw what it froze, and do nothing else: what airlock-ctl lock locked stays locked.',
      'Where there is no logind, or an operator has no session at a screen, nothing is frozen by it, unless airlock.yaml says presence.mode: required. With presence.mode: off it ends at once.',
      'airlock-sleep.service runs it with the argument sleep before the machine sleeps: it freezes, and ends when that is durable.',
    ],
    sockets: [
      ['/run/airlock/presence.sock', 'where it tells airlock-totp. Mode 0660, group airlock-presence.'],
      ['/run/dbus/system_bus_socket', 'where it hears logind.'],
    ],
    environment: [
      ...CONFIG,
      ['AIRLOCK_RUNTIME_DIR', 'directory of the sockets. /run/airlock.'],
      ['DBUS_SYSTEM_BUS_ADDRESS', 'address of the bus, unix:path=PATH. The unit does not pass it on.'],
    ],
    files: [['/etc/group, /etc/passwd', 'which accounts belong to which operator: members of airlock-o-OPERATOR.']],
    signals: [['SIGTERM', 'stop, exit status 0. What was frozen stays so.']],
    status: [
      ['0', 'stopped by a signal, or presence is off; with sleep: leases are frozen.'],
      ['1', 'it could not start, or could not freeze; the journal says why.'],
    ],
    commands: [
      ['what it says of itself', 'journalctl -u airlock-presence'],
      ['what is frozen, and why', 'airlock-ctl status'],
      ['work without being at the screen', 'airlock-ctl unlock'],
    ],
    seeAlso: 'airlock-ctl(1), airlock-totp(8), airlock.yaml(5), systemd-logind.service(8)',
  },
  {
    name: 'airlock-cell',
    title: 'one connector of Airlock with one credential, for one lease',
    about: [
      'A cell is started by the first connection to its slot and serves this connection alone. It redeems a one-use ticket at airlock-totp for the key of one record, opens the record that airlock-gateway gave it, and calls the service with the credential in it. It checks scope, deadline and arguments itself and masks its credential in every answer. When the lease ends its watchdog kills it: its death is the wipe.',
      'The user of a cell is a dynamic one of its slot. It may connect out, and to release.sock; the other sockets of Airlock are hidden from it.',
    ],
    sockets: [
      ['/run/airlock/cell/N.sock', 'its slot, N from 0 to 15. Mode 0660, group airlock-gateway.'],
      ['/run/airlock/release.sock', 'where it redeems its ticket.'],
    ],
    environment: [...ACTIVATION, ...CONNECTORS],
    files: [
      ['/usr/lib/airlock/connectors/KIND.json', 'manifest of a kind of service.'],
      ['/usr/lib/airlock/connectors/MODULE.cjs', 'connector module.'],
      ['/srv/airlock', 'files that connectors may read, group airlock-cells.'],
    ],
    signals: [
      ['SIGTERM', 'ends it at once, also when its main thread is stuck.'],
      ['SIGKILL', 'its ordinary end: sent by its watchdog when the lease is over.'],
    ],
    status: [
      ['0', 'its connection ended.'],
      ['any other', 'it could not start or met a defect; airlock-gateway says which.'],
    ],
    commands: [['the cells that live', "systemctl list-units 'airlock-cell@*'"]],
    seeAlso: 'airlock-ctl(1), airlock-totp(8), airlock-gateway(8)',
  },
];

const rows = (list: Rows): Block => ({ terms: list.map(([name, meaning]) => [bold(name), meaning]) });

/** The source of a daemon's page of section 8. */
export const daemonPage = ({
  name,
  title,
  about,
  sockets,
  environment,
  files,
  signals,
  status,
  commands,
  seeAlso,
}: Daemon): string =>
  manualPage({
    name,
    section: 8,
    title,
    sections: [
      { head: 'DESCRIPTION', blocks: about },
      { head: 'SOCKETS', blocks: [rows(sockets)] },
      { head: 'ENVIRONMENT', blocks: [rows(environment)] },
      { head: 'FILES', blocks: [rows(files)] },
      { head: 'SIGNALS', blocks: [rows(signals)] },
      { head: 'EXIT STATUS', blocks: [rows(status)] },
      { head: 'EXAMPLES', blocks: commands.flatMap(([what, line]) => [`${what}:`, { lines: [line] }]) },
      { head: 'SEE ALSO', blocks: [seeAlso] },
    ],
  });
