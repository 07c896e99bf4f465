// npm run bench -- NAME: one benchmark against its baseline of the same run, one JSON line.
import { existsSync } from 'node:fs';
import { cpus } from 'node:os';

const names = ['call', 'lease', 'audit', 'start', 'mailbox', 'calendar', 'policy', 'guard', 'mcp'];
const [name] = process.argv.slice(2);
if (!names.includes(name)) {
  process.stderr.write(`airlock: error: unknown benchmark ${name ?? ''}\nairlock: hint: npm run bench -- ${names.join('|')}\n`);
  process.exit(2);
}
const file = new URL(`dist/${name}.js`, import.meta.url);
if (!existsSync(file)) {
  process.stderr.write('airlock: error: the benchmarks are not built\nairlock: hint: npm run build\n');
  process.exit(1);
}
const { run } = await import(file.href);
const result = await run();
console.log(JSON.stringify({ bench: name, node: process.version, cpu: cpus()[0]?.model, cores: cpus().length, ...result }));
process.exit(0);
