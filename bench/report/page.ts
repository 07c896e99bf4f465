/** docs/benchmarks.md: words by hand, and between markers what the command writes. Pure. */
import { drawSection, SECTIONS } from './sections.js';
import type { Results } from './results.js';

const MARKED = /<!-- bench:([a-z-]+) -->\n[\s\S]*?<!-- \/bench -->/g;

const marked = (name: string, text: string): string => `<!-- bench:${name} -->\n\n${text}\n\n<!-- /bench -->`;

/** The page with every marked part drawn anew; the rest stays as it is. @throws Error where a part is missing, twice or unknown */
export const drawPage = (page: string, results: Results): string => {
  const names = [...page.matchAll(MARKED)].map(([, name = '']) => name);
  const wrong = [...SECTIONS, ...names].find(
    (name) => names.filter((one) => one === name).length !== 1 || !SECTIONS.includes(name),
  );
  if (wrong !== undefined) {
    const found = names.filter((one) => one === wrong).length;
    throw new Error(
      `docs/benchmarks.md: found the markers of ${wrong} ${found} times, allowed: those of ${SECTIONS.join(', ')} once each`,
    );
  }
  return page.replace(MARKED, (_, name: string) => marked(name, drawSection(name, results)));
};
