/** The corpora: golden artefacts, presets, and what is kept in test/fuzz/corpus. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fromRoot } from '../fire/packages.js';

const MAX_SEED_BYTES = 8192;

/** A file of the repository, cut to what an input may have. */
export const fileSeed = (path: string): Buffer => readFileSync(fromRoot(path)).subarray(0, MAX_SEED_BYTES);

export const folderSeeds = (path: string, ending = ''): Buffer[] => {
  const folder = fromRoot(`${path}/`);
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith(ending))
    .sort()
    .map((name) => fileSeed(`${path}/${name}`));
};

/** What test/fuzz/corpus keeps of a format. */
export const corpus = (name: string): Buffer[] => folderSeeds(`test/fuzz/corpus/${name}`);
export const golden = (name: string): unknown => JSON.parse(readFileSync(fromRoot(`test/golden/${name}.json`), 'utf8'));
export const texts = (...all: readonly string[]): Buffer[] => all.map((one) => Buffer.from(one));
