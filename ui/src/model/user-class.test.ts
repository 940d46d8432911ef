import { describe, expect, it } from 'vitest';
import { change, initial, problems } from './user-class';

const one = {
  name: 'Shopper',
  weight: 3,
  fixed_count: 0,
  host: null,
  tasks: ['look', 'look', 'buy'],
  all_tasks: ['look', 'buy', 'sell'],
};

describe("a user class's form", () => {
  it('sends nothing where nothing was changed', () => {
    expect(problems(initial(one), one)).toEqual({});
    expect(change(initial(one), one)).toBeNull();
  });

  it('sends only what was changed', () => {
    expect(change({ ...initial(one), weight: '0.5', host: ' http://b ' }, one)).toEqual({
      user_class_name: 'Shopper',
      weight: 0.5,
      host: 'http://b',
    });
    expect(change({ ...initial(one), fixed_count: '2', tasks: ['sell', 'look'] }, one)).toEqual({
      user_class_name: 'Shopper',
      fixed_count: 2,
      tasks: ['look', 'sell'],
    });
    expect(
      change({ ...initial({ ...one, host: 'http://a' }), host: '' }, { ...one, host: 'http://a' }),
    ).toEqual({
      user_class_name: 'Shopper',
      host: null,
    });
  });

  it('says what is wrong', () => {
    const wrong = { host: '', weight: '', fixed_count: '-1', tasks: [] };
    expect(Object.keys(problems(wrong, one))).toEqual(['weight', 'fixed_count', 'tasks']);
  });
});
