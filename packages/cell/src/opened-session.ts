/** The one session of a cell with its service: opened by the first call, its list of operations kept up to date. */
import type { Connector, ConnectorSession, ListedOperation, OperationManifest } from '@airlock/protocol';
import { ListedOperations } from './listed.js';
import type { OpenedCell } from './open.js';

/** A service of a kind that lists operations has to list them. */
const listOf = async (session: ConnectorSession): Promise<readonly ListedOperation[]> => (await session.list?.()) ?? [];

/** What a trial shows: logs in, and reads the list where there is one. */
export const tryOut = async (
  connector: Connector,
  { context, manifest }: Pick<OpenedCell, 'context' | 'manifest'>,
): Promise<readonly ListedOperation[] | null> => {
  await connector.test(context);
  if (manifest.listed !== true) return null;
  const session = await connector.open(context);
  try {
    return await listOf(session);
  } finally {
    await session.close();
  }
};

export class OpenedSession {
  readonly #cell: OpenedCell;
  readonly #listed: ListedOperations;
  #session: Promise<ConnectorSession> | null = null;
  /** What is listed now has been read; null: it has to be read anew. */
  #list: Promise<void> | null = null;

  constructor(cell: OpenedCell, service: string, tell: (listed: readonly ListedOperation[]) => void) {
    this.#cell = cell;
    this.#listed = new ListedOperations(service, cell.pins, tell);
  }

  /** One that could not be opened is tried again by the next call. */
  open(): Promise<ConnectorSession> {
    if (this.#session !== null) return this.#session;
    const session = this.#cell.connector.open(this.#cell.context);
    this.#session = session;
    session.then(
      (opened) => this.#watch(opened),
      () => {
        if (this.#session === session) this.#session = null;
      },
    );
    return session;
  }

  /** Resolves once the list of now is known. @throws what the connector says */
  async refresh(): Promise<void> {
    await this.#read(await this.open());
  }

  /** An operation the service lists, after `refresh`. @throws AirlockError OPERATION_UNKNOWN, BLOCKED */
  find(name: string): OperationManifest {
    return this.#listed.find(name);
  }

  #watch(session: ConnectorSession): void {
    session.onListChanged?.(() => {
      this.#list = null;
      this.#read(session).catch(() => undefined);
    });
  }

  /** What failed is read again by the next call. */
  #read(session: ConnectorSession): Promise<void> {
    if (this.#list !== null) return this.#list;
    const list = listOf(session).then((listed) => this.#listed.update(listed));
    this.#list = list;
    list.catch(() => {
      if (this.#list === list) this.#list = null;
    });
    return list;
  }
}
