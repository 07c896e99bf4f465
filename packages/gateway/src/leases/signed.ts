/**
 * Leases whose signature was checked before: a lease travels in every call, and its text says the same every time.
 *
 * SIGNED-1  kept is what follows from key and text alone; role, session, boot, ends, intent, register and budget are asked at every call.
 * SIGNED-2  the exact text is the key: one byte more or less is another lease, which has to be signed itself.
 * SIGNED-3  another list of lease keys forgets all; the end of a lease forgets every text of it.
 * SIGNED-4  what was refused is not kept, and what is kept has a bound: texts without end cost their sender time and nobody memory.
 */
import { openWithKeys, type LeaseKeys, type SignedLease } from '@airlock/lease';
import { GATEWAY_LIMITS } from '../limits.js';

export class SignedLeases {
  readonly #byText = new Map<string, SignedLease>();
  #keys: LeaseKeys | null = null;
  #chars = 0;

  /** Texts held. */
  get size(): number {
    return this.#byText.size;
  }

  /** @throws AirlockError LEASE_INVALID (signature, form) */
  open(keys: LeaseKeys, text: string): SignedLease {
    if (keys !== this.#keys) this.#turn(keys);
    const known = this.#byText.get(text);
    if (known !== undefined) return known;
    const signed = openWithKeys(keys, text);
    this.#makeRoom(text.length);
    this.#byText.set(text, signed);
    this.#chars += text.length;
    return signed;
  }

  /** A lease has ended: nothing of it is needed any more. */
  forget(lease: string): void {
    for (const [text, { unchecked }] of this.#byText) if (unchecked.payload.id === lease) this.#drop(text);
  }

  /** The keys are an object of their own each time airlock-totp sends some. */
  #turn(keys: LeaseKeys): void {
    this.#byText.clear();
    this.#chars = 0;
    this.#keys = keys;
  }

  #makeRoom(chars: number): void {
    for (const text of this.#byText.keys()) {
      if (this.#chars + chars <= GATEWAY_LIMITS.maxSignedLeaseChars) return;
      this.#drop(text);
    }
  }

  #drop(text: string): void {
    if (this.#byText.delete(text)) this.#chars -= text.length;
  }
}
