import { describe, expect, it } from 'vitest';
import type { Form } from '../wire';
import { initial, problems, request } from './start';

const form: Form = {
  users: 5,
  spawn_rate: 2,
  host: 'http://a',
  run_time: null,
  class_picker: true,
  classes: [
    {
      name: 'A',
      weight: 1,
      fixed_count: 0,
      host: null,
      tasks: ['get', 'get', 'put'],
      all_tasks: ['get', 'put'],
    },
    { name: 'B', weight: 1, fixed_count: 0, host: null, tasks: [], all_tasks: [] },
  ],
  arguments: [
    { name: 'items', type: 'number', default: 3, choices: null, help: '' },
    { name: 'loud', type: 'boolean', default: false, choices: null, help: '' },
  ],
};

describe('the start form', () => {
  it('sends what it shows first as the script has it', () => {
    const fields = initial(form, null);
    expect(problems(fields, form)).toEqual({});
    expect(request(fields, form)).toEqual({
      users: 5,
      spawn_rate: 2,
      host: 'http://a',
      run_time: null,
      classes: null,
      arguments: { items: 3, loud: false },
    });
  });

  it('shows the next time what was started before', () => {
    const sent = { ...request(initial(form, null), form), users: 9, classes: ['B'], run_time: '5m' };
    const fields = initial(form, sent);
    expect(fields).toMatchObject({ users: '9', classes: ['B'], run_time: '5m', host: 'http://a' });
  });

  it('sends numbers as numbers and only the classes that were chosen', () => {
    const fields = { ...initial(form, null), classes: ['B'], arguments: { items: '7', loud: true } };
    expect(request(fields, form)).toMatchObject({ classes: ['B'], arguments: { items: 7, loud: true } });
  });

  it('leaves out what has no value, so that a secret stays what it is', () => {
    const secret = {
      name: 'key',
      type: 'secret' as const,
      default: null,
      choices: null,
      help: '',
      required: true,
    };
    const asking = { ...form, arguments: [secret] };
    const fields = initial(asking, null);
    expect(problems(fields, asking)).toEqual({});
    expect(request(fields, asking).arguments).toEqual({});
  });

  it('sends a shape only where there are some', () => {
    expect(request(initial(form, null), form)).not.toHaveProperty('shape');
    const shaped = { ...form, shapes: ['Default', 'Wave'] };
    expect(request({ ...initial(shaped, null), shape: 'Wave' }, shaped).shape).toBe('Wave');
  });

  it('wants what is required', () => {
    const required = {
      name: 'who',
      type: 'text' as const,
      default: '',
      choices: null,
      help: '',
      required: true,
    };
    const asking = { ...form, arguments: [required] };
    expect(problems(initial(asking, null), asking)).toEqual({ who: 'must be given' });
  });

  it('names each field that is wrong', () => {
    const wrong = {
      users: '0',
      spawn_rate: '-1',
      host: '',
      run_time: 'soon',
      classes: [],
      shape: '',
      arguments: { items: 'many' },
    };
    expect(Object.keys(problems(wrong, form)).sort()).toEqual([
      'classes',
      'items',
      'run_time',
      'spawn_rate',
      'users',
    ]);
  });
});
