/** Is a `fix` something a person can paste: commands that exist, ours with flags they have. */
import { isCommandLine } from '@airlock/protocol/command';
import { PROGRAM } from '../src/program.js';

/** Commands of the system that a fix may use. */
const SYSTEM = [
  'chmod',
  'chown',
  'gpasswd',
  'journalctl',
  'passwd',
  'setcap',
  'sysctl',
  'systemctl',
  'timedatectl',
  'usermod',
  'visudo',
];
const INSTALLER = ['--agent-user', '--operator', '--purge', '--reseal', '--seal-with', '--uninstall'];

const words = (line: string): string[] => [...line.matchAll(/"[^"]*"|\$\([^)]*\)|\S+/g)].map(([word]) => word);

const isCommand = (line: string): boolean => {
  const [program = '', ...args] = words(line.trim().replace(/^sudo /, ''));
  if (program === 'airlock-ctl') return isCommandLine(PROGRAM, args);
  if (program === './install.sh') return args.filter((arg) => arg.startsWith('-')).every((flag) => INSTALLER.includes(flag));
  return SYSTEM.includes(program);
};

export const isFix = (fix: string): boolean => fix !== '' && fix.split(/&&|;/).every(isCommand);
