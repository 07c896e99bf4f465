/** An instance with a service that does nothing, and a lease for it: what is left of a call is Airlock's own. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  obtainLease,
  openSession,
  startTestInstance,
  type AgentSession,
  type InstanceOptions,
  type Running,
} from '@airlock/testkit';

const MANIFEST = {
  connector: 1,
  kind: 'noop',
  title: 'Nothing',
  module: 'noop',
  summary: 'answers with what it was given',
  settings: { type: 'object', additionalProperties: false, properties: {} },
  credential: { fields: {} },
  destination: { path: '/dev/null' },
  operations: [
    {
      name: 'echo',
      class: 'read',
      outward: false,
      untrusted: false,
      summary: 'returns its text',
      params: {
        type: 'object',
        additionalProperties: false,
        required: ['text'],
        properties: { text: { type: 'string', maxLength: 4096 } },
      },
      result: { type: 'object' },
    },
  ],
};
const MODULE = `exports.connector = {
  open: async () => ({ execute: async (operation, params) => ({ result: { text: params.text }, count: 1 }), close: async () => {} }),
  test: async () => {},
};`;

/** The parameters of a call that echoes 200 characters. */
export const callOf = (lease: string): object => ({
  lease,
  service: 'noop',
  operation: 'echo',
  params: { text: 'x'.repeat(200) },
});

export interface NoopHouse {
  readonly running: Running;
  readonly session: AgentSession;
  readonly lease: string;
  /** What another connection says to be of the same session. */
  readonly hello: { readonly client: string; readonly protocol: number; readonly resume: string };
  /** Of the agent's socket. */
  readonly path: string;
  stop(): Promise<void>;
}

/** Starts the instance, adds the service, obtains a lease. @param ttlS of the lease */
export const startNoop = async (options: InstanceOptions, ttlS = 3600): Promise<NoopHouse> => {
  const config = mkdtempSync(join(tmpdir(), 'airlock-bench-'));
  mkdirSync(join(config, 'connectors'));
  writeFileSync(join(config, 'connectors/noop.json'), JSON.stringify(MANIFEST));
  writeFileSync(join(config, 'connectors/noop.cjs'), MODULE);
  // What is measured is no normal use.
  writeFileSync(join(config, 'airlock.yaml'), 'anomalies: {calls_per_minute: 1000000}\n');
  const running = await startTestInstance({ ...options, config });
  const stop = async (): Promise<void> => {
    await running.stop();
    rmSync(config, { recursive: true, force: true });
  };
  try {
    const added = await running.command('airlock-ctl', ['service', 'add', 'noop', '--json'], {
      stdin: `${running.freshCode()}\n`,
    });
    if (added.status !== 0) throw new Error(added.stderr);
    const session = await openSession(running);
    const { lease } = await obtainLease(running, session, ['noop:read'], { ttlS });
    const hello = { client: 'bench', protocol: 1, resume: session.hello.resume };
    return { running, session, lease, hello, path: running.sockets['agent/default'] ?? '', stop };
  } catch (error) {
    await stop();
    throw error;
  }
};
