import { describe, expect, it } from 'vitest';
import type { Column } from '../wire';
import { decimate } from './decimate';

const ramp = (length: number): Column => Array.from({ length }, (_, i) => i);

describe('decimate', () => {
  it('gives what there is when it fits', () => {
    expect(decimate([[1, null, 3]], 0, 3, 100)).toEqual({ xs: [0, 1, 2], ys: [[1, null, 3]] });
  });

  it('gives the part that is asked for', () => {
    expect(decimate([ramp(10)], 4, 7, 100)).toEqual({ xs: [4, 5, 6], ys: [[4, 5, 6]] });
  });

  it('keeps to about as many points as there are pixels', () => {
    const { xs, ys } = decimate([ramp(14_400), ramp(14_400)], 0, 14_400, 600);
    expect(xs.length).toBeLessThanOrEqual(602);
    for (const column of ys) expect(column).toHaveLength(xs.length);
  });

  it('keeps a spike of one second and a hole of one second', () => {
    const column = new Array<number>(14_400).fill(10);
    column[7_777] = 900;
    column[9_999] = 0;
    const { ys } = decimate([column], 0, column.length, 500);
    expect(Math.max(...(ys[0] as number[]))).toBe(900);
    expect(Math.min(...(ys[0] as number[]))).toBe(0);
  });

  it('keeps the order of the extremes within a bucket', () => {
    const falling = [9, 8, 7, 6, 1, 2, 3, 4];
    expect(decimate([falling], 0, 8, 4).ys).toEqual([[9, 6, 1, 4]]);
  });

  it('leaves a gap where a whole bucket has nothing', () => {
    const column: Column = [1, 2, 3, 4, null, null, null, null, 5, 6, 7, 8];
    expect(decimate([column], 0, 12, 6).ys).toEqual([[1, 4, null, null, 5, 8]]);
  });

  it('does not move what is already drawn while the run grows', () => {
    const column = ramp(4_000).map((i) => Math.sin(i as number));
    const before = decimate([column.slice(0, 3_990)], 0, 3_990, 400);
    const after = decimate([column], 0, 3_991, 400);
    expect(after.xs.slice(0, 300)).toEqual(before.xs.slice(0, 300));
    expect(after.ys[0]?.slice(0, 300)).toEqual(before.ys[0]?.slice(0, 300));
  });

  it('has nothing for an empty run', () => {
    expect(decimate([[]], 0, 0, 600)).toEqual({ xs: [], ys: [[]] });
  });
});
