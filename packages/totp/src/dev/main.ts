/** airlock-totp for development: the same daemon, with a clock and a secret that a test gives. */
import { readFileSync } from 'node:fs';
import { clockOf, endWithLauncher } from '@airlock/protocol/dev';
import { reportFailure, startDaemon } from '../daemon.js';
import { optionsFromEnvironment } from '../environment.js';
import type { House } from '../operators/house.js';
import { enrolForDevelopment } from './enrol.js';

const { AIRLOCK_DEV_CLOCK_FILE: clockFile, AIRLOCK_DEV_TOTP_SECRET_FILE: secretFile } = process.env;

const enrol = (house: House): void => {
  if (secretFile !== undefined) enrolForDevelopment(house, 'default', readFileSync(secretFile, 'utf8').trim());
};

process.umask(0o077);
endWithLauncher();
Promise.resolve()
  .then(() => startDaemon({ ...optionsFromEnvironment(process.env), clock: clockOf(clockFile), prepare: enrol }))
  .catch(reportFailure);
