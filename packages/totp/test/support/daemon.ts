/** A daemon in this process on sockets below a temporary directory, with a clock set by hand. */
import { mkdtempSync, rmSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectSocket, type Connection, type Listening } from '@airlock/ipc';
import {
  AirlockError,
  DEFAULT_CONFIG,
  FRAME,
  fromWireError,
  unpackBlobs,
  type ApproveResult,
  type BridgeHelloResult,
  type EnrolBeginResult,
  type ErrorCode,
  type OpenRequestResult,
  type PendingResult,
  type ShownRequest,
  type WireError,
} from '@airlock/protocol';
import { codeOfStep } from '../../src/codes/totp.js';
import { enrolForDevelopment } from '../../src/dev/enrol.js';
import { runTotp, type Totp, type TotpOptions } from '../../src/index.js';

/** RFC 6238 appendix B: the secret of the SHA-1 vectors. */
export const SECRET = Buffer.from('12345678901234567890');
export const SECRET_TEXT = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ';

export type Link = Connection;

export class ManualClock {
  wall = 1_790_000_000_000;
  boot = 86_400_000;
  readonly wallMs = (): number => this.wall;
  readonly bootMs = (): number => this.boot;

  /** Both clocks go on. */
  pass(ms: number): void {
    this.wall += ms;
    this.boot += ms;
  }

  get step(): number {
    return Math.floor(this.wall / 30_000);
  }
}

export interface House {
  readonly dir: string;
  readonly stateDir: string;
  readonly clock: ManualClock;
  totp: Totp;
  bootId: string;
  connect(
    name: string,
    binary?: (type: number, payload: Buffer) => void,
    told?: (method: string, params: object) => void,
  ): Promise<Link>;
  /** Stops the daemon and starts it again on the same state. */
  restart(overrides?: Partial<TotpOptions>): Promise<void>;
  end(): Promise<void>;
}

const SOCKETS = ['approve/default', 'bridge', 'presence', 'release', 'root'];
const fileOf = (name: string): string => name.replace('/', '-');

export interface HouseSettings extends Partial<TotpOptions> {
  /** Default true. */
  readonly enrolled?: boolean;
  /** Sockets beside those that every house has. */
  readonly alsoServed?: readonly string[];
}

export const openHouse = async ({ enrolled = true, alsoServed = [], ...overrides }: HouseSettings = {}): Promise<House> => {
  const dir = mkdtempSync(join(tmpdir(), 'totp-'));
  const stateDir = overrides.stateDir ?? join(dir, 'state');
  const clock = new ManualClock();
  const links = new Set<Link>();
  let generation = 0;
  const start = (bootId: string, more: Partial<TotpOptions>): Promise<Totp> => {
    generation += 1;
    const listen = (name: string): [string, Listening] => [name, { path: join(dir, `${fileOf(name)}.${generation}.sock`) }];
    return runTotp({
      sockets: new Map([...SOCKETS, ...alsoServed].map(listen)),
      stateDir,
      bootId,
      config: DEFAULT_CONFIG,
      clock,
      ...(enrolled ? { prepare: (house) => enrolForDevelopment(house, 'default', SECRET_TEXT) } : {}),
      ...more,
    });
  };
  const house: House = {
    dir,
    stateDir,
    clock,
    bootId: 'boot1',
    totp: await start('boot1', overrides),
    connect: async (name, binary, told) => {
      const accept = (): null => null;
      const notifications = Object.fromEntries(
        [
          'request.fronted',
          'request.decided',
          'lease.issued',
          'lease.ended',
          'lease.marked',
          'grant.issued',
          'grant.ended',
          'locked',
          'enrolled',
        ].map((method) => [method, { params: accept, handle: (params: object) => told?.(method, params) }]),
      );
      const link = await connectSocket(join(dir, `${fileOf(name)}.${generation}.sock`), {
        notifications,
        limits: { maxBinaryBytes: 200 * 1024 },
        onBinary: (type: number, payload: Buffer) => binary?.(type, Buffer.from(payload)),
      });
      links.add(link);
      return link;
    },
    restart: async (more = {}) => {
      await house.totp.close();
      house.totp = await start(house.bootId, { ...overrides, ...more });
    },
    end: async () => {
      for (const link of links) link.close();
      await house.totp.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
  return house;
};

export const call = async <T>(link: Link, method: string, params: object = {}): Promise<T> =>
  (await link.call(method, params)) as T;

/** The code of the error that a promise rejects with; `none` where it does not. */
export const refusal = async (promise: Promise<unknown>): Promise<ErrorCode | 'none'> => {
  try {
    await promise;
    return 'none';
  } catch (thrown) {
    if (thrown instanceof AirlockError) return thrown.code;
    throw thrown;
  }
};

export interface Frame {
  readonly type: number;
  readonly payload: Buffer;
}

export interface Exchanging {
  readonly link: Link;
  /** Sends a binary frame. @returns the next one that comes */
  readonly exchange: (type: number, payload: Buffer) => Promise<Frame>;
}

export const connectExchanging = async (house: House, name: string): Promise<Exchanging> => {
  let answer: (frame: Frame) => void = () => undefined;
  const link = await house.connect(name, (type, payload) => answer({ type, payload }));
  const exchange = (type: number, payload: Buffer): Promise<Frame> =>
    new Promise((resolve) => {
      answer = resolve;
      link.sendBinary(type, payload);
    });
  return { link, exchange };
};

/** What a frame was refused with. */
export const refusedWith = ({ type, payload }: Frame): AirlockError | null => {
  const [bytes] = (type === FRAME.REFUSED ? unpackBlobs(payload, 0, 1) : null)?.blobs ?? [];
  return bytes === undefined ? null : fromWireError(JSON.parse(bytes.toString('utf8')) as WireError);
};

export const greet = (bridge: Link): Promise<BridgeHelloResult> => call<BridgeHelloResult>(bridge, 'hello', { protocol: 1 });

/** A code that the phone shows now. */
export const codeNow = (house: House, stepsAhead = 0): string => codeOfStep(SECRET, house.clock.step + stepsAhead, 6);

export const askFor = (bridge: Link, more: object = {}): Promise<OpenRequestResult> =>
  call<OpenRequestResult>(bridge, 'request.open', {
    operator: 'default',
    role: 'default',
    session: 's-12345678',
    scopes: ['gmail:read'],
    reason: 'find an invoice',
    ttlS: 3600,
    constraints: {},
    ...more,
  });

export const front = async (link: Link): Promise<ShownRequest> => {
  const { front: shown } = await call<PendingResult>(link, 'pending');
  if (shown === null) throw new Error('nothing is in front');
  return shown;
};

/** Waits until a code can be accepted, then approves what is in front. */
export const approveFront = async (house: House, link: Link): Promise<ApproveResult> => {
  const before = await front(link);
  if (before.waitS > 0) house.clock.pass(before.waitS * 1000);
  const shown = await front(link);
  return call<ApproveResult>(link, 'request.approve', {
    request: shown.id,
    digest: shown.digest,
    match: shown.match,
    code: codeNow(house),
  });
};

/** Enrols the phone of SECRET_TEXT over root.sock, as a person does. @returns the recovery codes */
export const enrolAtRoot = async (house: House, root: Link): Promise<readonly string[]> => {
  const begun = await call<EnrolBeginResult>(root, 'enrol.begin', { operator: 'default', secret: SECRET_TEXT });
  for (let n = 0; n < 2; n += 1) {
    await call(root, 'enrol.code', { operator: 'default', code: codeNow(house) });
    house.clock.pass(30_000);
  }
  return begun.recoveryCodes;
};

/** The records of an event in the daemon's own log, oldest first. */
export const recordsOf = ({ stateDir }: Pick<House, 'stateDir'>, event: string): Readonly<Record<string, unknown>>[] => {
  const dir = join(stateDir, 'audit');
  return readdirSync(dir)
    .filter((name) => name.endsWith('.jsonl'))
    .sort()
    .flatMap((name) => readFileSync(join(dir, name), 'utf8').split('\n').slice(0, -1))
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .filter((record) => record['event'] === event);
};
