// Two runs on one time axis that begins with each of them: the base's columns are `base:…`, the other's `run:…`.

import type { Column, RequestTimeline, Snapshot, TimelineWire } from '../wire';
import { Run } from './run';
import { Timeline } from './timeline';

/** What charts draw of two runs. */
export interface Pair {
  /** Its timeline begins at 0. */
  run: Run;
  /** The timeline of one request name, if a run has it. */
  request: (method: string, name: string) => Timeline;
}

const COLUMNS = ['users', 'rps', 'fps', 'p50', 'p95', 'p99'];
/** Those of which the mean of several steps is the one of them together; of the others the worst one stays. */
const MEANS = new Set(['users', 'rps', 'fps']);

type Side = 'base' | 'run';

export function align(base: Snapshot, after: Snapshot): Pair {
  const step = Math.max(base.timeline.step, after.timeline.step);
  const run = new Run();
  const timeline = new Timeline(0, step);
  const sides: [Side, Snapshot][] = [
    ['base', base],
    ['run', after],
  ];
  for (const [side, { timeline: wire }] of sides) lay(timeline, side, wire, 0, step / wire.step);
  run.timeline = timeline;
  return {
    run,
    request: (method, name) => {
      const both = new Timeline(0, step);
      for (const [side, snapshot] of sides) {
        const id = snapshot.requests.find((row) => row.method === method && row.name === name)?.id;
        const wire = snapshot.per_request?.find((one) => one.id === id && id !== undefined);
        if (wire) lay(both, side, wire, wire.from, step / snapshot.timeline.step);
      }
      return both;
    },
  };
}

function lay(
  onto: Timeline,
  side: Side,
  wire: TimelineWire | RequestTimeline,
  from: number,
  factor: number,
): void {
  const columns: Record<string, Column> = {};
  for (const name of COLUMNS) {
    const column = wire[name];
    if (!Array.isArray(column)) continue;
    columns[`${side}:${name}`] = coarser(
      [...new Array<null>(from).fill(null), ...column],
      factor,
      MEANS.has(name),
    );
  }
  onto.load(columns);
}

/** Every `factor` values as one. */
export function coarser(column: Column, factor: number, mean: boolean): Column {
  if (factor <= 1) return column;
  const out: Column = [];
  for (let at = 0; at < column.length; at += factor) {
    const there = column.slice(at, at + factor).filter((value) => value !== null);
    if (there.length === 0) out.push(null);
    else if (mean) out.push(there.reduce((sum, value) => sum + value, 0) / there.length);
    else out.push(Math.max(...there));
  }
  return out;
}
