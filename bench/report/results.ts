/** docs/benchmarks/results.json: of each benchmark its last run, with when, where and by which command. Pure. */

export interface Run {
  /** When it began, UTC. */
  readonly date: string;
  readonly command: string;
  readonly node: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGb: number;
  /** Of one minute, before and after; other work on the machine makes times by the wall worse. null: not noted */
  readonly load: readonly [number, number] | null;
  readonly seconds: number | null;
  readonly figures: object;
}

export interface Results {
  readonly format: 1;
  readonly runs: Readonly<Record<string, Run>>;
}

export const NO_RESULTS: Results = { format: 1, runs: {} };

const isRun = (value: unknown): value is Run => {
  const { date, command, node, cpu, cores, figures } = (value ?? {}) as Partial<Record<keyof Run, unknown>>;
  const texts = [date, command, node, cpu];
  return texts.every((one) => typeof one === 'string') && typeof cores === 'number' && typeof figures === 'object' && !!figures;
};

/** @throws Error that names what is wrong: figures that are half read would be drawn as if they had been measured */
export const parseResults = (text: string): Results => {
  const { format, runs } = JSON.parse(text) as Partial<Results>;
  if (format !== 1) throw new Error(`results: found format ${String(format)}, allowed: 1; delete the file and measure anew`);
  const bad = Object.entries(runs ?? {}).find(([, run]) => !isRun(run));
  if (bad) throw new Error(`results: the run ${bad[0]} is not whole; measure it anew: npm run bench -- ${bad[0]} --write`);
  return { format, runs: runs ?? {} };
};

export const resultsText = (results: Results): string => `${JSON.stringify(results, null, 1)}\n`;

export const withRun = ({ runs }: Results, name: string, run: Run): Results => ({ format: 1, runs: { ...runs, [name]: run } });

/** A number among the figures of a run, `sizes.2.p50Us`; null where it was not measured. */
export const figureOf = ({ runs }: Results, run: string, path: string): number | null => {
  const found = path
    .split('.')
    .reduce<unknown>(
      (at, key) => (typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[key] : undefined),
      runs[run]?.figures,
    );
  return typeof found === 'number' && Number.isFinite(found) ? found : null;
};

const byMinute = (date: string): string =>
  date
    .slice(0, 16)
    .replace(/T00:00$/, '')
    .replace('T', ' ');

/** Where its figures come from, in a line of Markdown. */
export const provenance = ({ date, command, node, cpu, cores, memoryGb, load, seconds }: Run): string => {
  const load2 = load === null ? '' : `, load ${load.map((one) => one.toFixed(1)).join(' before and ')} after`;
  const lasted = seconds === null ? '' : `, ${Math.round(seconds)} s`;
  return `\`${command}\` on ${byMinute(date)} UTC${lasted}; ${cores} cores of ${cpu}, ${memoryGb} GB, Node ${node.replace(/^v/, '')}${load2}.`;
};
