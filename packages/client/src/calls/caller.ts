/** Whatever a call can be made on: a bare connection, or a session that reconnects. */

export interface CallerOptions {
  readonly timeoutMs?: number;
  /**
   * Asked where the connection ended with the call in flight: may it be sent again? Default: yes, as nothing
   * but `call` does anything twice.
   */
  readonly mayRepeat?: () => Promise<boolean>;
}

export interface Caller {
  call(method: string, params: object, options?: CallerOptions): Promise<unknown>;
}
