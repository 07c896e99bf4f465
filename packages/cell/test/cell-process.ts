/** Starts a real cell on a socket of its own, with a fake airlock-totp and the fixture connector. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connectSocket, type Connection } from '@airlock/ipc';
import { destinationDigest, resolveDestination, type CellOpenParams, type ReleaseLimits, type Settings } from '@airlock/protocol';
import { boundSocket } from '@airlock/protocol/dev';
import { newDek, newVaultId, sealRecord, toSealedRecord, type RecordHeader } from '@airlock/vault';
import { FakeTotp, type Reply } from './fake-totp.js';
import { FIXTURE_KIND, fixtureManifest, fixtureModule } from './fixture-connector.js';

export const START_WALL_MS = 1_790_000_000_000;
export const START_BOOT_MS = 1_000_000;
export const SECRET = 'pässw0rd&"x"/9q+Z zebra';

export const SETTINGS: Settings = { host: 'light.example.org' };
export const DESTINATION = resolveDestination(fixtureManifest, SETTINGS);

export const LIMITS_OF_LEASE: ReleaseLimits = {
  lease: 'lease-0001',
  service: 'tower',
  operator: 'default',
  trial: false,
  scopes: ['tower:read'],
  constraints: {},
  deadlineWallMs: START_WALL_MS + 3_600_000,
  deadlineBootMs: START_BOOT_MS + 3_600_000,
};

export interface CellSetup {
  readonly header?: Partial<RecordHeader>;
  readonly fields?: Readonly<Record<string, string>>;
  readonly limits?: Partial<ReleaseLimits>;
  readonly reply?: Reply;
  readonly module?: string;
  /** Program to run instead of the compiled entry point. */
  readonly program?: string;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** What it wrote to stderr. */
  readonly text: string;
}

const POLL_MS = 10;
const ENTRY = fileURLToPath(new URL('../src/dev/main.js', import.meta.url));

/** A record sealed for the fixture's destination, and the key airlock-totp would answer with. */
const sealFixture = ({ header, fields = { password: SECRET } }: CellSetup) => {
  const dek = newDek();
  const whole: RecordHeader = {
    v: 1,
    vault: newVaultId(),
    owner: 'default',
    service: 'tower',
    record: 'record-1',
    version: 1,
    epoch: 0,
    destination: destinationDigest(DESTINATION),
    ...header,
  };
  const sealed = sealRecord({ dek, header: whole, fields });
  return { dek, record: toSealedRecord({ ...sealed, wrapped: Buffer.alloc(60, 7) }) };
};

export class TestCell {
  readonly directory = mkdtempSync(join(tmpdir(), 'cell-'));
  readonly totp: FakeTotp;
  readonly openParams: CellOpenParams;
  readonly #child: ChildProcess;
  readonly #socket: { close(): void };
  readonly exited: Promise<Exit>;
  text = '';

  private constructor(setup: CellSetup) {
    const { dek, record } = sealFixture(setup);
    this.totp = new FakeTotp(setup.reply ?? { dek, limits: { ...LIMITS_OF_LEASE, ...setup.limits } });
    this.openParams = {
      lease: LIMITS_OF_LEASE.lease,
      service: 'tower',
      kind: FIXTURE_KIND,
      settings: SETTINGS,
      destination: DESTINATION,
      record,
      ticket: Buffer.alloc(32, 9).toString('base64url'),
    };
    this.#install(setup.module ?? fixtureModule);
    this.setClock(0);
    this.#socket = boundSocket(this.#path('cell.sock'));
    this.#child = this.#spawn(setup.program ?? ENTRY);
    this.exited = new Promise((resolve) => {
      this.#child.once('close', (code, signal) => resolve({ code, signal, text: this.text }));
    });
  }

  static async start(setup: CellSetup = {}): Promise<TestCell> {
    const cell = new TestCell(setup);
    await cell.totp.listen(cell.#path('release.sock'));
    return cell;
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  /** Both clocks, in milliseconds after the start. */
  setClock(wallMs: number, bootMs = wallMs): void {
    writeFileSync(this.#path('clock'), `${START_WALL_MS + wallMs} ${START_BOOT_MS + bootMs}`);
  }

  /** Connects as soon as the cell listens. */
  async connect(): Promise<Connection> {
    for (;;) {
      try {
        return await connectSocket(this.#path('cell.sock'));
      } catch (thrown) {
        if (this.#child.exitCode !== null) throw thrown;
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      }
    }
  }

  /** A connection to a cell that is open. */
  async opened(changes: Partial<CellOpenParams> = {}): Promise<Connection> {
    const connection = await this.connect();
    await connection.call('open', { ...this.openParams, ...changes });
    return connection;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async stop(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.exited;
    this.totp.close();
    this.#socket.close();
    rmSync(this.directory, { recursive: true, force: true });
  }

  #path(name: string): string {
    return join(this.directory, name);
  }

  #install(module: string): void {
    mkdirSync(this.#path('connectors'));
    writeFileSync(this.#path(`connectors/${FIXTURE_KIND}.json`), JSON.stringify(fixtureManifest));
    writeFileSync(this.#path('connectors/beam.cjs'), module);
  }

  #spawn(program: string): ChildProcess {
    const env = {
      LISTEN_FDS: '1',
      LISTEN_FDNAMES: 'cell',
      AIRLOCK_RUNTIME_DIR: this.directory,
      AIRLOCK_CONNECTORS: `${this.#path('nowhere')}:${this.#path('connectors')}`,
      AIRLOCK_DEV_CLOCK_FILE: this.#path('clock'),
    };
    const child = spawn(process.execPath, [program], {
      env,
      stdio: ['ignore', 'ignore', 'pipe', this.#socket as unknown as number],
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.text += text;
    });
    return child;
  }
}

/** The AirlockError a call ends with. */
export const refusal = async (
  answer: Promise<unknown>,
): Promise<{ code: string; message: string; data: Record<string, unknown> }> => {
  try {
    await answer;
  } catch (thrown) {
    return thrown as { code: string; message: string; data: Record<string, unknown> };
  }
  throw new Error('it was not refused');
};
