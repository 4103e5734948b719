// A reporter of node:test that fails the run when a file ran fewer tests than counts.json says. Without it,
// a file that loses tests would pass. A reviewer sees a lowered number in counts.json.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { fileIn } from './infile.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

export default async function* counted(events) {
  const least = process.env.E2E_COUNTS ? JSON.parse(process.env.E2E_COUNTS) : JSON.parse(readFileSync(path.join(root, 'counts.json'), 'utf8'));
  const ran = new Map();
  for await (const { type, data } of events) {
    if (type !== 'test:pass' && type !== 'test:fail' && type !== 'test:enqueue') continue;
    const at = path.isAbsolute(data.name) ? data.name : path.resolve(data.name); // of a file's own line in the report
    const named = fileIn(data.name);
    const file = named ? path.resolve(named) : data.file ?? (/\.test\.m?js$/.test(data.name) ? at : undefined);
    if (!file) continue;
    const name = path.relative(root, file);
    if (!ran.has(name)) ran.set(name, 0);
    const single = type !== 'test:enqueue' && at !== file && data.details?.type !== 'suite' && data.skip === undefined && data.todo === undefined;
    if (single) ran.set(name, ran.get(name) + 1);
  }
  for (const [file, n] of ran) {
    const want = least[file];
    if (want !== undefined && n >= want) continue;
    process.exitCode = 1;
    yield want === undefined ? `${file} is not in counts.json\n` : `${file} ran ${n} tests, and counts.json has ${want}\n`;
  }
}
