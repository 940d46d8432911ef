import { expect, test } from 'vitest';
import { scaling } from './scaling';

test('the maximum is told only when it changes', () => {
  expect(scaling('2', '3', 3)).toEqual({ vus: 2, max: undefined, vusWrong: undefined, maxWrong: undefined });
  expect(scaling(' 5 ', '6', 3)).toMatchObject({ vus: 5, max: 6, vusWrong: undefined });
});

test('more virtual users than there may be are not asked for', () => {
  expect(scaling('4', '3', 3).vusWrong).toContain('raise 3 too');
  expect(scaling('', '3', 3).vusWrong).toBe('a whole number');
  expect(scaling('1', '-3', 3).maxWrong).toBe('a whole number');
});
