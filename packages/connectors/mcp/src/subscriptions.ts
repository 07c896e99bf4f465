/** The stream that 2026-07-28 has in the place of subscriptions: one, opened anew whenever what it is for changes. */
import type { Upstream } from './upstream.js';

/** More is nobody's need, and each stands in a request. */
const MAX_URIS = 256;

export class Subscriptions {
  readonly #uris = new Set<string>();
  #stream: AbortController | null = null;
  #of: Upstream | null = null;

  /** Begins to listen, where this connection is one that can. */
  listen(upstream: Upstream): void {
    if (upstream.revision !== '2026-07-28' || this.#of === upstream) return;
    this.#open(upstream);
  }

  add(upstream: Upstream, uri: string): void {
    if (this.#uris.size < MAX_URIS) this.#uris.add(uri);
    this.#open(upstream);
  }

  remove(upstream: Upstream, uri: string): void {
    this.#uris.delete(uri);
    this.#open(upstream);
  }

  close(): void {
    this.#stream?.abort();
  }

  #open(upstream: Upstream): void {
    this.#stream?.abort();
    this.#stream = new AbortController();
    this.#of = upstream;
    const lists = { toolsListChanged: true, promptsListChanged: true, resourcesListChanged: true };
    upstream.follow({ ...lists, resourceSubscriptions: [...this.#uris] }, this.#stream.signal);
  }
}
