import { describe, expect, it } from 'vitest';
import type { Snapshot } from '../wire';
import { align, coarser } from './align';

const snapshot = (start: number, step: number, rps: number[], extra: Partial<Snapshot> = {}) =>
  ({ timeline: { start, step, rps }, requests: [], ...extra }) as unknown as Snapshot;

describe('two runs on one axis', () => {
  it('begin together whenever they ran', () => {
    const { run } = align(snapshot(1_000_000, 1, [1, 2, 3]), snapshot(9_000_000, 1, [5, 6]));
    expect(run.timeline.seconds(0)).toBe(0);
    expect(run.timeline.columns.get('base:rps')).toEqual([1, 2, 3]);
    expect(run.timeline.columns.get('run:rps')).toEqual([5, 6, null]);
  });

  it('have the coarser grid of both', () => {
    const { run } = align(snapshot(0, 1, [1, 3, 5]), snapshot(0, 2, [7, 9]));
    expect(run.timeline.step).toBe(2);
    expect(run.timeline.columns.get('base:rps')).toEqual([2, 5]);
  });

  it('keep the worst percentile where seconds become one', () => {
    expect(coarser([1, 9, null, null, 4], 2, false)).toEqual([9, null, 4]);
  });

  it('have the lines of a request by its name, whatever its number', () => {
    const row = (id: number) => ({ id, method: 'GET', name: '/a' });
    const before = snapshot(0, 1, [1], {
      requests: [row(4)] as Snapshot['requests'],
      per_request: [{ id: 4, from: 1, rps: [8] }],
    });
    const { request } = align(before, snapshot(0, 1, [1], { requests: [row(0)] as Snapshot['requests'] }));
    expect(request('GET', '/a').columns.get('base:rps')).toEqual([null, 8]);
    expect(request('GET', '/a').columns.has('run:rps')).toBe(false);
    expect(request('GET', '/none').length).toBe(0);
  });
});
