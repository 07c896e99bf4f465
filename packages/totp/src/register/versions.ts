/**
 * Newest versions of records (RELEASE-4, RELEASE-9): an older record is never opened again, whoever brings it.
 * Pure functions on an operator's state.
 */
import type { OperatorState, RecordVersions } from '../queue/state.js';

const NONE: RecordVersions = { newest: 0, sealed: 0 };

export const versionsOf = (state: OperatorState, service: string): RecordVersions =>
  new Map(Object.entries(state.versions)).get(service) ?? NONE;

const withVersions = (state: OperatorState, service: string, versions: RecordVersions): OperatorState => ({
  ...state,
  versions: { ...state.versions, [service]: versions },
});

/** The version the next sealed record gets: above every one that was given out, committed or not. */
export const nextVersion = (state: OperatorState, service: string): number => {
  const { newest, sealed } = versionsOf(state, service);
  return Math.max(newest, sealed) + 1;
};

export const markSealed = (state: OperatorState, service: string, version: number): OperatorState =>
  withVersions(state, service, { ...versionsOf(state, service), sealed: version });

/** Committed by the gateway, or released under a lease. Never goes back. */
export const markNewest = (state: OperatorState, service: string, version: number): OperatorState => {
  const versions = versionsOf(state, service);
  return version <= versions.newest ? state : withVersions(state, service, { ...versions, newest: version });
};

/** After this no version given out so far can be released. */
export const markRemoved = (state: OperatorState, service: string): OperatorState => {
  const version = nextVersion(state, service);
  return withVersions(state, service, { ...versionsOf(state, service), newest: version, sealed: version });
};

/** Sealed for a phone that was forgotten before its record was stored (ENROL-9). */
export const isVersionRetired = (state: OperatorState, service: string, version: number): boolean => {
  const { newest, retired = 0 } = versionsOf(state, service);
  return version > newest && version <= retired;
};

/** What was given out and not stored by now, for any service, never counts. */
export const retireSealed = (state: OperatorState): OperatorState => ({
  ...state,
  versions: Object.fromEntries(
    Object.entries(state.versions).map(([service, one]) => [service, { ...one, retired: Math.max(one.sealed, one.newest) }]),
  ),
});

/** Not older than the newest, and given out by us at all. */
export const isVersionLive = (state: OperatorState, service: string, version: number): boolean => {
  const { newest, sealed } = versionsOf(state, service);
  return version >= newest && version <= sealed && !isVersionRetired(state, service, version);
};
