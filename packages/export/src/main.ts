/** airlock-export: tells the records of both daemons to the sinks of airlock.yaml. Ends at once where there are none. */
import { COMPILED_CONFIG_FILE, parseCompiledConfig, systemTimers } from '@airlock/protocol';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openSink } from './open-sink.js';
import { readPosition, writePosition } from './position.js';
import { LOGS } from './record.js';
import { Runner } from './runner.js';
import { Source } from './source.js';

const report = (message: string): void => void process.stderr.write(`airlock-export: ${message}\n`);

const start = (env: NodeJS.ProcessEnv): void => {
  const configDir = env['AIRLOCK_CONFIG_DIR'] ?? '/etc/airlock';
  const stateDir = env['STATE_DIRECTORY'] ?? join(env['AIRLOCK_STATE_DIR'] ?? '/var/lib/airlock', 'export');
  const socket = join(env['AIRLOCK_RUNTIME_DIR'] ?? '/run/airlock', 'export.sock');
  const { sinks = [] } = parseCompiledConfig(JSON.parse(readFileSync(join(configDir, COMPILED_CONFIG_FILE), 'utf8'))).audit;
  if (sinks.length === 0) return report('no sinks in airlock.yaml (audit.sinks)');
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  const each = sinks.flatMap((sink) => LOGS.map((log) => ({ sink, log })));
  const runners = each.map(({ sink, log }) => {
    const name = log === 'gateway' ? sink.name : `${sink.name} (${log})`;
    const path = join(stateDir, log === 'gateway' ? `${sink.name}.json` : `${sink.name}.${log}.json`);
    return new Runner({
      name,
      source: new Source(socket, log),
      sink: openSink(sink, (message) => report(`${name}: ${message}`), log),
      read: () => readPosition(path),
      write: (position) => writePosition(path, position),
      timers: systemTimers,
      random: Math.random,
      report,
    });
  });
  const stop = (): void => {
    for (const runner of runners) runner.stop();
    process.exit(0);
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  for (const runner of runners) void runner.run();
  report(`tells ${sinks.map(({ name, to }) => `${name} (${to})`).join(', ')}`);
};

try {
  start(process.env);
} catch (thrown) {
  report(thrown instanceof Error ? thrown.message : 'it cannot start');
  process.exitCode = 1;
}
