/** Pure decisions about scopes and operations. */
export {};
