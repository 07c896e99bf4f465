/** The development launcher: everything unprivileged under one directory, for tests and for trying. */
import { asAirlockError } from '@airlock/protocol';
import { parseOptions } from './options.js';
import { startInstance, type Instance } from './up.js';

const print = (value: object): void => void process.stdout.write(`${JSON.stringify(value)}\n`);

const describe = ({ env, sockets, pids }: Instance): void => {
  process.stdout.write(
    Object.entries(env)
      .map(([name, value]) => `export ${name}=${value}\n`)
      .join(''),
  );
  process.stderr.write(
    `sockets: ${Object.keys(sockets).join(', ')}; pids: totp ${pids.totp}, gateway ${pids.gateway}; SIGTERM or Ctrl-C stops all\n`,
  );
};

const main = async (): Promise<void> => {
  const options = parseOptions(process.argv.slice(2));
  process.stderr.write(
    'airlock: warning: development launcher: users are NOT isolated, anyone with this account can do everything\n',
  );
  // The first line says that all is ready; what happens before is in the error, if there is one.
  let isReady = false;
  const report = (event: object): void => {
    if (options.json && isReady) print(event);
  };
  const instance = await startInstance(options, report);
  const stop = (): void => void instance.stop().then(() => process.exit(0));
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  if (options.json) print({ ready: true, env: instance.env, sockets: instance.sockets, pids: instance.pids });
  else describe(instance);
  isReady = true;
};

main().catch((thrown: unknown) => {
  const error = asAirlockError(thrown);
  const detail = error === thrown || !(thrown instanceof Error) ? error.message : (thrown.stack ?? thrown.message);
  process.stderr.write(`airlock: error: ${detail}\nairlock: hint: ${error.data.hint}\n`);
  if (process.argv.includes('--json')) print({ error: { message: error.message, ...error.data } });
  process.exit(error.exitCode);
});
