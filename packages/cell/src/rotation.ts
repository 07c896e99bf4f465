/**
 * Rotating fields of a credential (docs/spec/release.md): asked for, got from the service, sealed here, stored by the gateway.
 *
 * CELL-14  only fields that the manifest calls rotating change; everything else is sealed as it was opened.
 * CELL-15  the service is asked only after the gateway has said that no other cell is at it, and the call goes on only when
 *          the new record is stored. One rotation a cell: the next version has one key.
 */
import { AirlockError, type CellRotate, type ConnectorManifest, type Credential } from '@airlock/protocol';
import { asDek, parseHeader, sealRecord, toSealedRecord } from '@airlock/vault';
import type { NextKey } from './release-messages.js';

/** Names of the fields that a kind lets its service change. */
export const rotatingFields = ({ credential }: ConnectorManifest): readonly string[] =>
  Object.entries(credential.fields).flatMap(([name, { rotating }]) => (rotating === true ? [name] : []));

const changedMeanwhile = (): AirlockError =>
  new AirlockError('UNAVAILABLE', 'the credential is being changed, or was, by another call', {
    hint: 'call again; a fresh cell has the new one',
    retryAfterMs: 200,
  });

const refused = (problem: string): AirlockError =>
  new AirlockError('INTERNAL', `the connector returned a credential that is refused: ${problem}`);

export interface RotationOptions {
  readonly fields: readonly string[];
  readonly credential: Credential;
  /** Version that was opened. */
  readonly base: number;
  /** null in a trial, which changes nothing. */
  readonly next: NextKey | null;
  /** The new values are secrets from here on. */
  readonly onSecrets: (values: readonly string[]) => void;
}

export class Rotation {
  readonly #options: RotationOptions;
  #tell: ((rotate: CellRotate) => void) | null = null;
  #answer: ((ok: boolean) => void) | null = null;
  #isUsed = false;
  #isBusy = false;

  constructor(options: RotationOptions) {
    this.#options = options;
  }

  /** How the gateway is told. */
  connect(tell: (rotate: CellRotate) => void): void {
    this.#tell = tell;
  }

  /** The gateway's answer to what was told last. */
  answered(ok: boolean): void {
    this.#answer?.(ok);
    this.#answer = null;
  }

  #ask(rotate: CellRotate): Promise<boolean> {
    if (this.#tell === null) return Promise.resolve(false);
    const answer = new Promise<boolean>((resolve) => (this.#answer = resolve));
    this.#tell(rotate);
    return answer;
  }

  /** See ConnectorContext.rotate. */
  async rotate(work: (credential: Credential) => Promise<Credential>): Promise<void> {
    const { next, base } = this.#options;
    if (this.#isUsed || this.#isBusy || next === null) throw changedMeanwhile();
    this.#isBusy = true;
    try {
      if (!(await this.#ask({ base }))) throw changedMeanwhile();
      const fields = await this.#fieldsOf(work);
      this.#isUsed = true;
      const sealed = sealRecord({ dek: asDek(next.dek), header: parseHeader(next.header), fields });
      next.dek.fill(0);
      if (!(await this.#ask({ base, record: toSealedRecord({ ...sealed, wrapped: next.wrapped }) }))) throw changedMeanwhile();
    } finally {
      this.#isBusy = false;
    }
  }

  /** Where nothing came of it the place is given back, and the key is still unused. */
  async #fieldsOf(work: (credential: Credential) => Promise<Credential>): Promise<Credential> {
    const { credential, base } = this.#options;
    try {
      return { ...credential, ...this.#checked(await work(credential)) };
    } catch (thrown) {
      this.#tell?.({ base });
      throw thrown;
    }
  }

  /** CELL-14. */
  #checked(values: Credential): Credential {
    const names = Object.keys(values);
    // Whatever becomes of them, they are secrets now.
    this.#options.onSecrets(Object.values(values).filter((value) => typeof value === 'string'));
    if (names.length === 0) throw refused('it is empty');
    const other = names.find((name) => !this.#options.fields.includes(name));
    if (other !== undefined) throw refused('a field that is not rotating');
    if (Object.values(values).some((value) => typeof value !== 'string' || value === ''))
      throw refused('a value that is no text');
    return values;
  }
}
