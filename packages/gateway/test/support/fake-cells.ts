/** Cell slots whose cells do what a test says. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { always, serveSocket, type Connection, type MethodEntry, type SocketServer } from '@airlock/ipc';
import {
  validatorOf,
  type CellExecuteParams,
  type CellOpenParams,
  type CellPrepareParams,
  type CellResult,
  type ExchangeReply,
} from '@airlock/protocol';

type Execute = (params: CellExecuteParams, slot: number, connection: Connection) => CellResult | Promise<CellResult>;

export const okResult = (result: CellResult['result'] = { ok: true }): CellResult => ({
  result,
  count: 1,
  masked: 0,
  truncated: false,
  risk: 0,
});

export class FakeCells {
  readonly opened: { readonly slot: number; readonly params: CellOpenParams }[] = [];
  readonly executed: CellExecuteParams[] = [];
  tests = 0;
  execute: Execute = () => okResult();
  open: (params: CellOpenParams) => unknown = () => ({});
  test: () => unknown = () => ({});
  prepare: (params: CellPrepareParams) => unknown = () => ({});
  reply: (params: ExchangeReply) => unknown = () => ({});
  cancel: (params: { readonly channel: string }) => unknown = () => ({});
  #servers: SocketServer<undefined>[] = [];

  async listen(runtimeDir: string, slots: number): Promise<void> {
    mkdirSync(join(runtimeDir, 'cell'), { recursive: true });
    for (let slot = 0; slot < slots; slot += 1)
      this.#servers.push(await this.#serve(join(runtimeDir, 'cell', `${slot}.sock`), slot));
  }

  async close(): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.close()));
  }

  get live(): Connection[] {
    return this.#servers.flatMap(({ connections }) => [...connections]);
  }

  /** Every cell dies where it stands. */
  kill(): void {
    for (const connection of this.live) connection.close();
  }

  #serve(path: string, slot: number): Promise<SocketServer<undefined>> {
    const method = (name: string, handle: (params: never, connection: Connection) => unknown): MethodEntry<undefined> => ({
      params: validatorOf(`cell.${name}`),
      permitted: always,
      handle: (params, { connection }) => handle(params as never, connection),
    });
    return serveSocket<undefined>({
      path,
      name: `cell/${slot}`,
      open: () => undefined,
      table: {
        open: method('open', (params: CellOpenParams) => {
          this.opened.push({ slot, params });
          return this.open(params);
        }),
        prepare: method('prepare', (params: CellPrepareParams) => this.prepare(params)),
        execute: method('execute', (params: CellExecuteParams, connection) => {
          this.executed.push(params);
          return this.execute(params, slot, connection);
        }),
        reply: method('reply', (params: ExchangeReply) => this.reply(params)),
        cancel: method('cancel', (params: { readonly channel: string }) => this.cancel(params)),
        test: method('test', () => {
          this.tests += 1;
          return this.test();
        }),
      },
    });
  }
}
