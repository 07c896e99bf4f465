// npm run bench [-- NAME [--write] [--full] | report]: figures against a baseline of the same run, one JSON line each (docs/benchmarks.md).
import { existsSync } from 'node:fs';

const file = new URL('dist/main.js', import.meta.url);
if (!existsSync(file)) {
  process.stderr.write('airlock: error: the benchmarks are not built\nairlock: hint: npm run build\n');
  process.exit(1);
}
const { main } = await import(file.href);
process.exit(await main(process.argv.slice(2)));
