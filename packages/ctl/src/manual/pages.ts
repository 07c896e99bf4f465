/** Every manual page that airlock-ctl's package knows the facts of. */
import { commandPage } from '@airlock/protocol/command';
import { PROGRAM } from '../program.js';
import { configurationPage } from './configuration.js';
import { DAEMONS, daemonPage } from './daemons.js';

/** File name below docs/man → source of the page. */
export const manualPages = (): Readonly<Record<string, string>> => ({
  'airlock-ctl.1': commandPage(PROGRAM),
  'airlock.yaml.5': configurationPage(),
  ...Object.fromEntries(DAEMONS.map((daemon) => [`${daemon.name}.8`, daemonPage(daemon)])),
});
