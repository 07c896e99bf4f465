/** Processes and units of the installation that runs in this machine. */
import { existsSync } from 'node:fs';
import { mainPid, must } from './machine.js';

const active = async (pattern: string): Promise<string[]> => {
  const text = await must(['systemctl', 'list-units', '--plain', '--no-legend', '--state=active', pattern]);
  return text
    .split('\n')
    .map((line) => line.split(' ')[0] ?? '')
    .filter((unit) => unit !== '');
};

/** Main processes of the cells that live now. */
export const liveCells = async (): Promise<number[]> =>
  (await Promise.all((await active('airlock-cell@*.service')).map(mainPid))).filter((pid) => pid > 0);

export const isAlive = (pid: number): boolean => existsSync(`/proc/${pid}`);
