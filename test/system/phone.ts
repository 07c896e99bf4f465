/** The operator's phone: codes from oathtool, never one that a step already gave. */
import { fact, leaveFact, must, readFacts, wait } from './machine.js';

/** Period that the machine's airlock.yaml sets, so that approvals follow each other sooner. */
export const PERIOD_S = 15;

const stepNow = (): number => Math.floor(Date.now() / 1000 / PERIOD_S);
const lastStep = (): number => Number(readFacts()['lastStep'] ?? 0);

export const codeOfStep = (step: number, secret = fact('secret')): Promise<string> =>
  must(['oathtool', '--totp', '--base32', '--digits=6', `--time-step-size=${PERIOD_S}s`, `--now=@${step * PERIOD_S}`, secret]);

/** Code of a step that was not used yet; waits where the last one lies ahead. */
export const nextCode = async (): Promise<string> => {
  const step = Math.max(stepNow(), lastStep() + 1);
  // One step ahead is accepted; a margin keeps the check on the right side of its edge.
  while (step > stepNow() + 1) await wait(200);
  leaveFact('lastStep', String(step));
  return codeOfStep(step);
};

/** After a denial or an expiry of the front request codes are held back: the floor is the current step + 2. */
export const frontLeft = (): void => leaveFact('lastStep', String(Math.max(lastStep(), stepNow() + 2)));
