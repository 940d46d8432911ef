// Past runs for the mock: three made-up ones, of which the last is slower. What the server says of two of them is made up
// too: the rule is `crates/history`'s and tested there.

import { json } from './mock-server.mjs';
import { ScriptedRun } from './scripted-run.mjs';

export class MockHistory {
  constructor(options) {
    const now = options.now ?? Date.now();
    this.snapshots = new Map();
    this.runs = [
      ['before the change', 240, 1],
      ['nightly', 300, 1],
      [options.hostile ? '<script>window.hacked = 1</script>' : 'after the change', 280, 3],
    ].map(([name, seconds, slower], index) => this.keep(index + 1, name, seconds, slower, now, options));
    this.runs[1].baseline = true;
  }

  keep(id, name, seconds, slower, now, options) {
    const run = new ScriptedRun({ ...options, now: now - (4 - id) * 86_400_000, ready: false });
    for (let i = 0; i < seconds; i++) run.advance();
    run.stop();
    const snapshot = run.snapshot();
    for (const row of [snapshot.totals, ...snapshot.requests]) {
      for (const key of ['median', 'p90', 'p95', 'p99', 'avg', 'max']) if (row[key]) row[key] *= slower;
    }
    for (const key of ['p50', 'p95', 'p99'])
      snapshot.timeline[key] = snapshot.timeline[key]?.map((value) => value && value * slower);
    snapshot.per_request = snapshot.requests.slice(0, 50).flatMap(({ id: request }) => {
      const timeline = run.requestTimeline(request);
      return timeline ? [{ ...timeline, id: request }] : [];
    });
    this.snapshots.set(id, snapshot);
    const { totals } = snapshot;
    return {
      id,
      name,
      kind: snapshot.kind,
      file: snapshot.file,
      checksum: id < 3 ? '5f1e' : 'a2b7',
      started_at: snapshot.started_at,
      elapsed: snapshot.elapsed,
      exit_code: snapshot.kind === 'k6' ? 99 : null,
      verdict: snapshot.kind === 'k6' ? 'failed' : null,
      requests: totals.count,
      failures: totals.fails,
      rps: totals.count / snapshot.elapsed,
      median: totals.median,
      p95: totals.p95,
      p99: totals.p99,
      baseline: false,
    };
  }

  /** Whether something changed. */
  async answer(path, query, request, response) {
    const [, , what, id, part] = path.split('/');
    if (what === 'compare')
      return json(response, 200, this.compare(Number(query.get('base')), Number(query.get('run'))));
    if (id === undefined) return json(response, 200, { database: '/runs/history.db', runs: this.runs });
    const run = this.runs.find((one) => one.id === Number(id));
    if (!run) return json(response, 404, { error: `there is no run ${id} in the history /runs/history.db` });
    if (request.method === 'GET') return json(response, 200, part ? this.snapshots.get(run.id) : run);
    if (request.headers['x-throng'] !== '1')
      return json(response, 403, { error: 'the X-Throng header is missing' });
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = JSON.parse(Buffer.concat(chunks).toString() || '{}');
    if (request.method === 'DELETE') this.runs = this.runs.filter((one) => one !== run);
    else if (part === 'baseline') for (const one of this.runs) one.baseline = one === run && body.baseline;
    else if (part === 'name') run.name = body.name;
    json(response, 200, { ok: true });
    return true;
  }

  compare(base, run) {
    const [before, after] = [this.snapshots.get(base), this.snapshots.get(run)];
    const figures = (snapshot, row) =>
      row && {
        count: row.count,
        fails: row.fails,
        rps: row.count / snapshot.elapsed,
        failed: row.count ? row.fails / row.count : null,
        p50: row.median,
        p95: row.p95,
        p99: row.p99,
      };
    const of = (row, other) => {
      const worse = row && other && row.p95 > other.p95 * 1.1;
      const ms = (value) => Number(value?.toPrecision(4));
      const text = `p95 ${ms(row?.p95)} ms, ${ms(other?.p95)} ms before`;
      return {
        method: (row ?? other).method,
        name: (row ?? other).name,
        base: figures(before, other),
        run: figures(after, row),
        judgement: worse ? 'worse' : 'same',
        findings: [{ what: 'p95', judgement: worse ? 'worse' : 'same', text }],
      };
    };
    const rows = after.requests.map((row) => of(row, before.requests[row.id]));
    const worse = rows.filter((row) => row.judgement === 'worse');
    const about = (id) => this.runs.find((one) => one.id === id);
    return {
      judgement: worse.length ? 'worse' : 'same',
      reasons: worse.map((row) => `${row.method} ${row.name}: ${row.findings[0].text}`),
      tolerance: { p50: null, p95: 10, p99: null, failures: 1, rps: null, floor: 1 },
      total: of({ ...after.totals, method: '', name: '' }, { ...before.totals, method: '', name: '' }),
      rows,
      base: about(base),
      run: about(run),
    };
  }
}
