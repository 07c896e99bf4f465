/** Which charts there are, and what of the results each shows. Pure. */
import { barChart, type BarChart, type BarGroup } from './bar-chart.js';
import { lineChart } from './line-chart.js';
import { reachChart } from './reach-chart.js';
import { figureOf, type Results } from './results.js';
import { isReached, measuredOf, measuredText, reachText, ROWS, timesBetter, type Sign } from './rows.js';
import { numeral } from './scale.js';

type Figure = (path: string) => number;

/** Reads a run's figures. @throws RangeError for one that is not there */
const reader =
  (results: Results, run: string): Figure =>
  (path) => {
    const found = figureOf(results, run, path);
    if (found === null) throw new RangeError(`${run} has no figure ${path}`);
    return found;
  };

/** What a group was to reach on its own axis; `told` where the axis counts something else. */
const reachOf = (sign: Sign, value: number, measured: number, told?: string): BarGroup['reach'] & object => {
  const isMet = isReached({ sign, reach: value }, measured);
  return { value, isReached: isMet, text: `${told ?? `${sign} ${numeral(value)}`} · ${isMet ? 'reached' : 'missed'}` };
};

const pair = (label: string, own: number, bare: number, more: Omit<BarGroup, 'label' | 'bars'> = {}): BarGroup => ({
  label,
  bars: [
    { series: 'bare', value: bare },
    { series: 'own', value: own },
  ],
  ...more,
});

const single = (label: string, own: number, more: Omit<BarGroup, 'label' | 'bars'> = {}): BarGroup => ({
  label,
  bars: [{ series: 'own', value: own }],
  ...more,
});

const call = (results: Results): BarChart => {
  const at = reader(results, 'call');
  const kept = (label: string, key: string, share: number): BarGroup => {
    const bare = at(`${key}.barePerS`);
    const ratio = at(`${key}.ratio`);
    const isMet = ratio >= share;
    const text = `≥ ${share} × · ${isMet ? 'reached' : 'missed'}, ${ratio} ×`;
    return pair(label, at(`${key}.governedPerS`), bare, { reach: { value: bare * share, isReached: isMet, text } });
  };
  const fresh = (label: string, key: string, own: string, reach: number): BarGroup =>
    pair(label, at(`${key}.${own}`), at(`${key}.barePerS`), { reach: reachOf('>', reach, at(`${key}.${own}`)) });
  return {
    title: 'A governed call',
    description: 'Calls a second through Airlock and through a bare echo, on kept and on new connections.',
    ...{ axis: 'calls a second', scale: 'linear', legend: { bare: 'bare JSON-RPC echo behind a relay', own: 'Airlock' } },
    groups: [
      kept('1 connection, sequential', 'sequential', 0.5),
      kept('16 connections', 'connections16', 0.45),
      fresh('new connection, 1 client', 'newConnectionPerCall', 'perS', 2479),
      fresh('new connection, 16 clients', 'newConnection16', 'governedPerS', 5654),
    ],
  };
};

const cost = (results: Results): BarChart => {
  const [lease, policy, guard] = ['lease', 'policy', 'guard'].map((run) => reader(results, run)) as [Figure, Figure, Figure];
  const group = (label: string, note: string, own: number, bare: number, reach: number): BarGroup =>
    pair(label, own, bare, { note, reach: reachOf('≤', reach, own, `≤ ${reach} µs`) });
  return {
    title: 'What a call is made of',
    description: 'Microseconds of lease check, policy decision and masking, each beside its baseline.',
    ...{ axis: 'µs, by powers of ten', scale: 'log', legend: { bare: 'baseline', own: 'Airlock' } },
    groups: [
      group('lease verify', 'one HMAC', lease('verifyP50Us'), lease('hmacP50Us'), 15),
      group('policy, 1,000 rules', 'a plain loop', policy('sizes.2.p50Us'), policy('sizes.2.naiveP50Us'), 10),
      group('masking, 2 KB', 'JSON there and back', guard('sizes.0.checkAndMaskUs'), guard('sizes.0.jsonUs'), 80),
    ],
  };
};

const audit = (results: Results): BarChart => {
  const at = reader(results, 'audit');
  const verify = at('verifyPerS');
  return {
    title: 'The record',
    description: 'Records a second that are appended durably and that are verified.',
    ...{ axis: 'records a second, by powers of ten', scale: 'log' },
    legend: { bare: 'one fdatasync a record', own: 'Airlock' },
    groups: [
      pair('append, 64 durable writers', at('appendPerS'), at('baselinePerS'), { reach: reachOf('≥', 20_000, at('appendPerS')) }),
      single('verify', verify, { reach: reachOf('≥', 300_000, verify) }),
    ],
  };
};

const growth = (results: Results): BarChart => {
  const [at, policy] = [reader(results, 'growth'), reader(results, 'policy')];
  const group = (label: string, ratio: number, from: number, to: number): BarGroup =>
    single(label, ratio, { note: `${numeral(from)} → ${numeral(to)} µs`, reach: reachOf('≤', 1.3, ratio, '≤ 1.3 ×') });
  const grown = (label: string, key: string): BarGroup =>
    group(label, at(`${key}.ratio`), at(`${key}.smallP50Us`), at(`${key}.largeP50Us`));
  return {
    title: 'Growth',
    description: 'How many times as long a call or a decision takes when there are a thousand times as many.',
    ...{ axis: 'p50 of the large size, times that of the small one', scale: 'linear', legend: { own: 'Airlock' } },
    groups: [
      grown('1 → 1,000 leases', 'leases'),
      grown('1 → 1,000 connections', 'connections'),
      group('10 → 10,000 rules', policy('growth'), policy('sizes.0.p50Us'), policy('sizes.3.p50Us')),
    ],
  };
};

const start = (results: Results): BarChart => {
  const at = reader(results, 'start');
  const group = (label: string, path: string, reach: number): BarGroup =>
    single(label, at(path), { reach: reachOf('≤', reach, at(path), `≤ ${numeral(reach)} ms`) });
  return {
    title: 'From nothing to ready, from code to mail',
    description: 'Milliseconds until each program answers, and from the approval to the first mail.',
    ...{ axis: 'ms', scale: 'linear', legend: { bare: 'Node alone', own: 'Airlock' } },
    groups: [
      group('airlock-totp ready', 'readyMs.totp', 300),
      group('airlock-gateway ready', 'readyMs.gateway', 300),
      pair('cell loaded', at('cellLoadMs.p50'), at('bareNodeMs'), {
        reach: reachOf('≤', 150, at('cellLoadMs.p50'), '≤ 150 ms'),
      }),
      group('approval → first mail', 'approveToFirstMailMs.p50', 1000),
    ],
  };
};

const memory = (results: Results): BarChart => {
  const group = (label: string, note: string, run: string, path: string, reach: number): BarGroup => {
    const own = reader(results, run)(path);
    return single(label, own, { note, reach: reachOf('≤', reach, own, `≤ ${reach} MB`) });
  };
  return {
    title: 'Memory',
    description: 'Resident memory of each program, pages shared with other Node processes included.',
    ...{ axis: 'MB resident', scale: 'linear', legend: { own: 'Airlock' } },
    groups: [
      group('airlock-totp', 'after many calls', 'call', 'memoryMb.totp', 60),
      group('airlock-gateway', 'after many calls', 'call', 'memoryMb.gateway', 90),
      group('cell, no-op', 'after many calls', 'call', 'memoryMb.cell', 70),
      group('cell, mail', 'after a list', 'start', 'memoryMb.cell', 70),
      group('cell, calendar', '5,000 events', 'calendar', 'connector.rssMb', 70),
    ],
  };
};

const TASKS = [
  ['newest50', 'newest 50'],
  ['searchSender', 'search by sender'],
  ['searchUnread', 'search unread'],
  ['count', 'count unread'],
] as const;

const mailbox = (results: Results): BarChart => {
  const groups = (run: string): BarGroup[] => {
    if (run === 'mailbox-full' && results.runs[run] === undefined) return [];
    const at = reader(results, run);
    return TASKS.map(([key, label]) => {
      const note = `${numeral(at('messages'))} messages`;
      const ratio = at(`${key}.ratio`);
      const text = `≤ 1.5 × · ${ratio <= 1.5 ? 'reached' : 'missed'}, ${ratio} ×`;
      const reach = { value: at(`${key}.bareMs`) * 1.5, text, isReached: ratio <= 1.5 };
      return pair(label, at(`${key}.governedMs`), at(`${key}.bareMs`), { note, ...(key === 'newest50' ? { reach } : {}) });
    });
  };
  return {
    title: 'A large mailbox in Dovecot',
    description: 'Milliseconds of lists and searches by a bare IMAP client and through Airlock.',
    ...{ axis: 'ms, by powers of ten', scale: 'log', legend: { bare: 'bare IMAP client', own: 'Airlock' } },
    groups: [...groups('mailbox'), ...groups('mailbox-full')],
  };
};

const calendar = (results: Results): BarChart => {
  const at = reader(results, 'calendar');
  return {
    title: 'A calendar of 5,000 events',
    description: 'Milliseconds of each operation of the calendar connector, and of ical.js alone reading the file.',
    ...{ axis: 'ms', scale: 'linear', legend: { bare: 'ical.js reads the file', own: 'Airlock' } },
    groups: [
      pair('first call', at('connector.firstMs'), at('ical.parseMs'), { note: 'reads the file' }),
      ...['today', 'upcoming', 'range', 'search'].map((name) => single(name, at(`connector.${name}.ms`))),
    ],
  };
};

const mcp = (results: Results): BarChart => {
  const at = reader(results, 'mcp');
  at('manyToFew');
  const { figures = [] } = (results.runs['mcp']?.figures ?? {}) as { figures?: readonly { revision: string; tools: number }[] };
  return {
    title: 'A tool of an upstream MCP server',
    description: 'Microseconds of tools/call by the official client, directly and through Airlock.',
    ...{ axis: 'µs a call', scale: 'linear', legend: { bare: 'directly', own: 'through Airlock' } },
    groups: figures.map(({ revision, tools }, n) =>
      pair(revision, at(`figures.${n}.airlockUs`), at(`figures.${n}.directUs`), { note: `${numeral(tools)} tools` }),
    ),
  };
};

const policy = (results: Results): string => {
  const at = reader(results, 'policy');
  const points = (key: string): { x: number; y: number }[] =>
    [0, 1, 2, 3].map((n) => ({ x: at(`sizes.${n}.rules`), y: at(`sizes.${n}.${key}`) }));
  return lineChart({
    title: 'A decision, and how many rules there are',
    description: 'Microseconds of one policy decision with 10 to 10,000 rules, beside a plain loop over the same rules.',
    ...{ xAxis: 'rules', yAxis: 'µs, p50' },
    lines: [
      { series: 'bare', name: 'a plain loop', points: points('naiveP50Us') },
      { series: 'own', name: 'Airlock', points: points('p50Us') },
    ],
    reach: { value: 10, text: 'reach ≤ 10 µs' },
  });
};

const reach = (results: Results): string => {
  const rows = ROWS.flatMap((row) => {
    const measured = measuredOf(row, results);
    if (measured === null) return [];
    const text = `${measuredText(row, measured)} of ${reachText(row)}`;
    return [{ label: row.label, times: timesBetter(row, measured), isReached: isReached(row, measured), text }];
  });
  return reachChart(
    'Every figure against what it was to reach',
    'How many times better or worse than the aim each figure is.',
    rows,
  );
};

type Draw = (results: Results) => string;

const bars =
  (spec: (results: Results) => BarChart): Draw =>
  (results) =>
    barChart(spec(results));

const DRAW: Readonly<Record<string, Draw>> = {
  reach,
  call: bars(call),
  cost: bars(cost),
  audit: bars(audit),
  growth: bars(growth),
  policy,
  start: bars(start),
  memory: bars(memory),
  mailbox: bars(mailbox),
  calendar: bars(calendar),
  mcp: bars(mcp),
};

/** The files below docs/benchmarks, without their ending. */
export const CHARTS: readonly string[] = Object.keys(DRAW);

/** SVG; null where any of its figures was not measured: a part of a chart would be taken for all of it. */
export const drawChart = (name: string, results: Results): string | null => {
  try {
    return DRAW[name]?.(results) ?? null;
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
};
