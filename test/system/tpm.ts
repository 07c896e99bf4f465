/** The test machine's TPM: swtpm, and in front of it what the kernel is in front of a real one. Its state is the machine. */
import { existsSync, renameSync, writeFileSync } from 'node:fs';
import { must, until } from './machine.js';

const STATE = '/var/lib/swtpm';
/** As run.sh tells PID 1. */
export const TPM_DEVICE = 'swtpm:path=/run/tpm/sock';

const UNITS: Readonly<Record<string, string>> = {
  swtpm: `[Service]
Type=exec
StateDirectory=swtpm
RuntimeDirectory=swtpm
ExecStart=/usr/bin/swtpm socket --tpm2 --tpmstate dir=${STATE} --server type=unixio,path=/run/swtpm/sock --ctrl type=unixio,path=/run/swtpm/sock.ctrl --flags not-need-init,startup-clear
`,
  tpm: `[Unit]
Requires=swtpm.service
After=swtpm.service
[Service]
Type=exec
RuntimeDirectory=tpm
ExecStart=/usr/local/bin/node /checkout/test/dist/system/tpm-broker.js /run/tpm/sock /run/swtpm/sock
`,
};

/** Switched on, as after a boot. What stops goes the other way round. */
export const startTpm = async (): Promise<void> => {
  for (const [name, text] of Object.entries(UNITS)) {
    writeFileSync(`/etc/systemd/system/${name}.service`, text);
  }
  await must(['systemctl', 'daemon-reload']);
  await must(['systemctl', 'restart', 'swtpm', 'tpm']);
  for (const path of ['/run/swtpm/sock', '/run/tpm/sock.ctrl'])
    if ((await until(() => existsSync(path), 5000)) === null) throw new Error(`no TPM at ${path}`);
};

export const stopTpm = (): Promise<string> => must(['systemctl', 'stop', 'tpm', 'swtpm']);

/** The TPM is taken out and kept below that name; the one kept below `instead`, or a new one, takes its place. */
export const exchangeTpm = async (keepAs: string, instead?: string): Promise<void> => {
  await stopTpm();
  renameSync(STATE, `/root/${keepAs}`);
  if (instead !== undefined) renameSync(`/root/${instead}`, STATE);
  await startTpm();
};
