// Says what the built page weighs and refuses one that is too heavy: people open it over slow links to far clusters.

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const LIMIT = 80_000;
const dist = join(dirname(fileURLToPath(import.meta.url)), '..', 'dist');
let sum = 0;
for (const entry of readdirSync(dist, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile()) continue;
  const content = readFileSync(join(entry.parentPath ?? entry.path, entry.name));
  const packed = gzipSync(content, { level: 9 }).length;
  sum += packed;
  console.log(`${String(content.length).padStart(8)} ${String(packed).padStart(7)} gzip  ${entry.name}`);
  if (/<\/script/i.test(content) && entry.name.endsWith('.js')) {
    throw new Error(`${entry.name} contains "</script", which would end the script in a report`);
  }
}
console.log(`${sum} bytes gzipped of at most ${LIMIT}`);
if (sum > LIMIT) process.exit(1);
