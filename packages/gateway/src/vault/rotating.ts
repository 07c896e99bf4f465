/**
 * Credentials that come back from a cell with rotated fields (docs/spec/release.md).
 *
 * CELL-15  one cell of a service at a time, and only one that has the newest version.
 * STORE-4  the new record takes the place of the version it came from and of no other; who lost asks again in a fresh cell.
 */
import { destinationDigest, isoTime, type CellRotate } from '@airlock/protocol';
import type { Cell } from '../cells/cell.js';
import type { CellKey } from '../cells/pool.js';
import { kindOf, type House } from '../house.js';
import { commitOf } from '../operator/services.js';
import { versionOf, type ServiceEntry } from './entry.js';
import { expectHeader, readHeader } from './record-header.js';
import type { ServiceStore } from './store.js';

const nameOf = ({ operator, service }: CellKey): string => `${operator}/${service}`;

const isRotating = (house: House, entry: ServiceEntry): boolean => {
  const kind = kindOf(house, entry);
  return kind !== null && Object.values(kind.manifest.credential.fields).some(({ rotating }) => rotating === true);
};

export class Rotations {
  /** Who is at it; given up with its cell. */
  readonly #held = new Map<string, Cell>();

  /** Answers the cell in any case. Never throws. */
  async take(house: House, key: CellKey, cell: Cell, rotate: CellRotate): Promise<void> {
    const ok = await this.#decide(house, key, cell, rotate).catch(() => false);
    await cell.rotated(ok).catch(() => undefined);
  }

  async #decide(house: House, key: CellKey, cell: Cell, { base, record }: CellRotate): Promise<boolean> {
    const name = nameOf(key);
    const store = house.stores.get(key.operator);
    const entry = store?.get(key.service);
    if (store === undefined || entry === undefined || !isRotating(house, entry)) return false;
    const holder = this.#held.get(name);
    if (holder !== undefined && holder !== cell && holder.isOpen) return false;
    if (record === undefined && holder === cell) return !this.#held.delete(name);
    // A cell that was being opened while the credential changed: the next call gets a fresh one.
    if (versionOf(entry) !== base) return this.#outdated(house, key);
    this.#held.set(name, cell);
    if (record === undefined) return true;
    try {
      return holder === cell && (await this.#store(house, store, entry, { base, record }));
    } finally {
      this.#held.delete(name);
    }
  }

  #outdated(house: House, { operator, service }: CellKey): boolean {
    house.pool.retireService(operator, service);
    return false;
  }

  async #store(house: House, store: ServiceStore, entry: ServiceEntry, { base, record }: Required<CellRotate>): Promise<boolean> {
    const { operator } = store;
    const { service } = entry;
    const facts = readHeader(record);
    expectHeader(facts, { owner: operator, service, destination: destinationDigest(entry.destination) }, base);
    await house.journal.durable('config_changed', { verb: 'credentials.rotate', operator, service, version: facts.version });
    const next: ServiceEntry = { ...entry, updatedAt: isoTime(house.clock.wallMs()), record };
    const isStored = await store.swap(entry, next, commitOf(house, operator));
    if (isStored) house.pool.retireService(operator, service);
    return isStored;
  }
}
