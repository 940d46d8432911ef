import { describe, expect, it } from 'vitest';
import { bytes, clip, count, decimal, latency, NONE, parseSpan, percent, span } from './format';

describe('numbers', () => {
  it('have about three significant digits and grouped thousands', () => {
    expect([0, 0.1234, 9.994, 9.999, 12.34, 99.96, 1234.5].map(decimal)).toEqual([
      '0',
      '0.12',
      '9.99',
      '10.0',
      '12.3',
      '100',
      '1,235',
    ]);
    expect(count(1234567)).toBe('1,234,567');
  });

  it('that were not measured are a dash', () => {
    for (const write of [count, decimal, latency, percent, bytes, span]) {
      expect(write(null)).toBe(NONE);
      expect(write(undefined)).toBe(NONE);
      expect(write(Number.NaN)).toBe(NONE);
    }
  });

  it('in milliseconds become seconds when they are long', () => {
    expect(latency(3.1371)).toBe('3.14 ms');
    expect(latency(9999)).toBe('9,999 ms');
    expect(latency(12_345)).toBe('12.3 s');
  });

  it('never hide that something failed or that something passed', () => {
    expect([0, 0.00001, 0.125, 0.99999, 1].map(percent)).toEqual([
      '0 %',
      '<0.1 %',
      '12.5 %',
      '>99.9 %',
      '100 %',
    ]);
  });

  it('of bytes have the unit that fits', () => {
    expect([0, 999, 1000, 1_500_000, 2e12].map(bytes)).toEqual([
      '0 B',
      '999 B',
      '1.00 kB',
      '1.50 MB',
      '2.00 TB',
    ]);
  });
});

describe('durations', () => {
  it('are written as short as they are', () => {
    expect([0, 59.9, 60, 3599, 3661, 90_000].map(span)).toEqual([
      '0s',
      '59s',
      '1m 00s',
      '59m 59s',
      '1h 01m 01s',
      '25h 00m 00s',
    ]);
  });

  it('are read as Locust reads them', () => {
    expect(['20', '20s', '3m', '2h', '1h20m', '3h30m10s', ' 5s '].map(parseSpan)).toEqual([
      20, 20, 180, 7200, 4800, 12_610, 5,
    ]);
    for (const wrong of ['', 'x', '3x', 's', '1m2h', '-5s', '1.5m']) expect(parseSpan(wrong)).toBeNull();
  });
});

describe('long texts', () => {
  it('are cut off', () => {
    expect(clip('abc', 3)).toBe('abc');
    expect(clip('abcd', 3)).toBe('abc…');
  });
});
