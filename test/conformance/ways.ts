// The ways to the fixture that are compared.
import { serveAirlock } from './airlock.js';
import { text, tool } from './fixture/contract.js';
import { serveHttp } from './fixture/http.js';
import { Fixture, type FixtureOptions } from './fixture/server.js';
import { serveRelayed } from './relayed.js';
import type { Revision } from './suite.js';

interface Opened {
  readonly url: string;
  readonly close: () => Promise<void>;
}

export interface Way {
  readonly name: string;
  readonly open: () => Promise<Opened>;
  /** Scenarios whose score differs for a reason, which docs/conformance.md tells. */
  readonly known?: Partial<Record<Revision, readonly string[]>>;
  /** Required scenarios that fail for such a reason. */
  readonly failing?: Partial<Record<Revision, readonly string[]>>;
  /** A server with one wrong answer. */
  readonly isControl?: boolean;
}

/** The suite takes loopback addresses by this name too, and its rebinding scenario is about it. */
const byName = (url: string): string => url.replace('127.0.0.1', 'localhost');

const serveDirect = async (options: FixtureOptions = {}): Promise<Opened> => {
  const fixture = new Fixture(options);
  const served = await serveHttp(fixture.create);
  fixture.notifier = served.notify;
  return { url: byName(served.url), close: served.close };
};

const relayed = async (upstream: 'follow' | '2025-11-25'): Promise<Opened> => {
  const served = await serveRelayed(upstream);
  return { url: byName(served.url), close: served.close };
};

/**
 * An upstream of 2025-11-25 asks in the middle of a call, under ids of its own: a client of 2026-07-28 gets these, not the names
 * that the same server would have chosen in that revision, and cannot answer before it was asked.
 */
const ASKED_IN_BETWEEN = [
  'server-stateless',
  'input-required-result-basic-elicitation',
  'input-required-result-capability-check',
  'input-required-result-ignore-extra-params',
];

/** That the list of tools changed is told once the cell has listed them anew: one check that is a SHOULD waits less long. */
const LATER = ['server-stateless'];

const FAILING = ASKED_IN_BETWEEN.filter((name) => name !== 'input-required-result-ignore-extra-params');

/** Its schema has forms that the cell does not check, so its tool is not offered; no revision requires it. */
const NOT_OFFERED = ['json-schema-2020-12'];
/** `airlock mcp` takes up a stream that broke off, the fixture's own transport does not; no revision requires it. */
const RESUMED = ['server-sse-polling'];

const WRONG = tool('test_simple_text', 'Answers with nothing', () => Promise.resolve(text('')));

export const WAYS: readonly Way[] = [
  { name: 'direct', open: () => serveDirect() },
  { name: 'control', isControl: true, open: () => serveDirect({ instead: [WRONG] }) },
  { name: 'relay', open: () => relayed('follow') },
  {
    name: 'relay-2025',
    open: () => relayed('2025-11-25'),
    known: { '2026-07-28': ASKED_IN_BETWEEN },
    failing: { '2026-07-28': FAILING },
  },
  {
    name: 'airlock',
    open: () => serveAirlock('url'),
    known: { '2025-11-25': [...NOT_OFFERED, ...RESUMED], '2026-07-28': [...NOT_OFFERED, ...LATER] },
  },
  {
    name: 'airlock-program',
    open: () => serveAirlock('program'),
    known: { '2025-11-25': [...NOT_OFFERED, ...RESUMED], '2026-07-28': [...NOT_OFFERED, ...ASKED_IN_BETWEEN] },
    failing: { '2026-07-28': FAILING },
  },
];
