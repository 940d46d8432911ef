import { describe, expect, it } from 'vitest';
import { parsePlace, printPlace } from './place';

describe('the place in the URL', () => {
  it('is read as it is written', () => {
    for (const hash of ['#charts', '#charts/3,7', '#statistics', '#12/charts/3', '#12/', '#compare/1,2'])
      expect(printPlace(parsePlace(hash))).toBe(hash);
  });

  it('ignores what is not a request, and more of them than fit', () => {
    expect(parsePlace('#charts/1,x,1,-2,2.5,<b>').requests).toEqual([1]);
    expect(parsePlace('#charts/1,2,3,4,5,6,7,8').requests).toHaveLength(6);
    expect(parsePlace('')).toEqual({ past: null, tab: '', requests: [] });
    expect(parsePlace('#12')).toEqual({ past: 12, tab: '', requests: [] });
  });
});
