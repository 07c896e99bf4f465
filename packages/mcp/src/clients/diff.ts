/** The difference of two texts that differ in one place, as a unified diff. */

const CONTEXT = 3;

const linesOf = (text: string): readonly string[] => text.split(/(?<=\n)/);

const sameAtStart = (a: readonly string[], b: readonly string[]): number => {
  const found = a.findIndex((line, index) => line !== b[index]);
  return found < 0 ? a.length : found;
};

const marked = (mark: string, lines: readonly string[]): readonly string[] =>
  lines.flatMap((line) => (line.endsWith('\n') ? [`${mark}${line}`] : [`${mark}${line}\n`, '\\ No newline at end of file\n']));

const span = (from: number, count: number): string => `${count === 0 ? from : from + 1},${count}`;

/** '' where they are equal; null stands for a file that is not there. */
export const unifiedDiff = (before: string | null, after: string | null, file: string): string => {
  if (before === after) return '';
  const a = before === null || before === '' ? [] : linesOf(before);
  const b = after === null || after === '' ? [] : linesOf(after);
  const head = Math.min(sameAtStart(a, b), b.length);
  const tail = Math.min(sameAtStart(a.slice(head).toReversed(), b.slice(head).toReversed()), b.length - head);
  const from = Math.max(0, head - CONTEXT);
  const context = a.slice(from, head);
  const rest = a.slice(a.length - tail, a.length - tail + CONTEXT);
  const [gone, come] = [a.slice(head, a.length - tail), b.slice(head, b.length - tail)];
  const count = context.length + rest.length;
  return [
    `--- ${before === null ? '/dev/null' : file}\n`,
    `+++ ${after === null ? '/dev/null' : file}\n`,
    `@@ -${span(from, count + gone.length)} +${span(from, count + come.length)} @@\n`,
    ...marked(' ', context),
    ...marked('-', gone),
    ...marked('+', come),
    ...marked(' ', rest),
  ].join('');
};
