import { describe, expect, it } from 'vitest';
import { matching, Ranks, sorted, visible } from './rows';

describe('sorted', () => {
  it('puts rows without a value last in both directions', () => {
    const rows = [{ v: 2 }, { v: null }, { v: 1 }];
    expect(sorted(rows, (row) => row.v, 'up').map((row) => row.v)).toEqual([1, 2, null]);
    expect(sorted(rows, (row) => row.v, 'down').map((row) => row.v)).toEqual([2, 1, null]);
  });

  it('keeps the order of equal rows and of the given list', () => {
    const rows = ['b', 'a', 'B', 'A'];
    expect(sorted(rows, (row) => row, 'up')).toEqual(['a', 'A', 'b', 'B']);
    expect(rows).toEqual(['b', 'a', 'B', 'A']);
  });

  it('orders numbers in names as numbers', () => {
    expect(sorted(['/10', '/9', '/1'], (row) => row, 'up')).toEqual(['/1', '/9', '/10']);
  });

  it('is quick with ten thousand names of 10 KB', () => {
    const rows = Array.from({ length: 10_000 }, (_, i) => `${'x'.repeat(10_240)}${i}`);
    const started = performance.now();
    sorted(rows, (row) => row, 'up');
    expect(performance.now() - started).toBeLessThan(5_000);
  });
});

describe('ranks', () => {
  it('are kept while no new text comes, and place new ones among the known', () => {
    const ranks = new Ranks();
    const first = ranks.of(['b', 'd']);
    expect(ranks.of(['d', 'b'])).toBe(first);
    const second = ranks.of(['c', 'b', 'd']);
    expect(['b', 'c', 'd'].map((text) => second.get(text))).toEqual([0, 1, 2]);
  });

  it('forget texts of earlier runs', () => {
    const ranks = new Ranks();
    ranks.of(Array.from({ length: 1_000 }, (_, i) => `old ${i}`));
    expect(ranks.of(['new']).size).toBe(1);
  });
});

describe('matching', () => {
  it('wants every word, in any order and case', () => {
    const rows = ['GET /cart', 'POST /cart', 'GET /'];
    expect(matching(rows, (row) => row, 'CART get')).toEqual(['GET /cart']);
    expect(matching(rows, (row) => row, '  ')).toBe(rows);
    expect(matching(rows, (row) => row, '.*')).toEqual([]);
  });
});

describe('visible', () => {
  it('is what lies in the window, with some to spare', () => {
    const [first, last] = visible(10_000, 34, 34_000, 340);
    expect(first).toBeLessThanOrEqual(1_000);
    expect(first).toBeGreaterThan(980);
    expect(last).toBeGreaterThanOrEqual(1_010);
    expect(last).toBeLessThan(1_030);
  });

  it('stays within the rows, also when they became fewer than were scrolled past', () => {
    expect(visible(3, 34, 0, 600)).toEqual([0, 3]);
    const [first, last] = visible(10, 34, 90_000, 600);
    expect(first).toBeLessThanOrEqual(last);
    expect(last).toBe(10);
    expect(visible(0, 34, 0, 600)).toEqual([0, 0]);
  });
});
