/** Which resources somebody wants to hear of: asked for upstream once, however many clients there are. */

export class Subscriptions {
  readonly #wanted = new Map<string, Set<object>>();

  /** @returns whether it is the first of this resource. */
  add(uri: string, who: object): boolean {
    const clients = this.#wanted.get(uri) ?? new Set();
    this.#wanted.set(uri, clients);
    clients.add(who);
    return clients.size === 1;
  }

  has(uri: string, who: object): boolean {
    return this.#wanted.get(uri)?.has(who) === true;
  }

  /** @returns whether it was the last of this resource. */
  remove(uri: string, who: object): boolean {
    const clients = this.#wanted.get(uri);
    if (clients?.delete(who) !== true || clients.size > 0) return false;
    return this.#wanted.delete(uri);
  }

  /** @returns the resources that nobody else wants. */
  removeAll(who: object): readonly string[] {
    return [...this.#wanted.keys()].filter((uri) => this.remove(uri, who));
  }
}
