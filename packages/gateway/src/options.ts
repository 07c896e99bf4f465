/** What airlock-gateway is started with. Production and development differ in the clock only. */
import type { Listening } from '@airlock/ipc';
import type { Clock, Timers } from '@airlock/protocol';

export interface GatewayOptions {
  readonly clock: Clock;
  readonly timers: Timers;
  /** Sockets by the name they were activated with: `agent/ROLE`, `operator/OP`. */
  readonly sockets: ReadonlyMap<string, Listening>;
  /** Where bridge.sock and cell/N.sock are. */
  readonly runtimeDir: string;
  readonly stateDir: string;
  readonly configDir: string;
  /** In order of precedence. */
  readonly connectorDirs: readonly string[];
  readonly cellSlots: number;
  /** Names this boot: state of another one is dropped. */
  readonly bootId: string;
  /** For the journal; no secret and no text of a peer is in it. */
  readonly log: (message: string) => void;
  /** Ends this process, so that it is started again. */
  readonly restart?: () => void;
}
