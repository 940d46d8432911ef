// Async iterations, the order of tasks, rejections nobody handles.
// @options iterations
import { sleep } from 'k6';
import { Counter } from 'k6/metrics';
import { show } from './lib/show.js';

const finished = new Counter('finished');
export const options = { iterations: 4 };

const later = (ms, value) => new Promise((resolve) => setTimeout(() => resolve(value), ms));

export async function setup() {
  return { awaited: await later(10, 'in setup') };
}

export default async function (data) {
  if (__ITER === 0) {
    show('data', data);
    show('value', await later(5, 'resolved'));
    show('all', await Promise.all([later(20, 'slow'), later(1, 'quick'), 3]));
    show('race', await Promise.race([later(50, 'slow'), later(1, 'quick')]));
    show('settled', (await Promise.allSettled([later(1, 1), Promise.reject(new Error('no'))])).map((s) => s.status));
    show('any', await Promise.any([Promise.reject(new Error('no')), later(1, 'some')]));
  } else if (__ITER === 1) {
    setTimeout(() => console.log('never: cancelled by the rejection'), 200);
    await later(1);
    throw new Error('rejected');
  } else if (__ITER === 2) {
    Promise.reject(new Error('nobody handles this'));
    sleep(0.01);
    await later(1);
    console.log('after an unhandled rejection');
  } else {
    try {
      await later(1).then(() => Promise.reject(new Error('handled')));
    } catch (error) {
      show('caught', error.message);
    }
    let order = [];
    setTimeout(() => order.push('timer'), 0);
    await Promise.resolve().then(() => order.push('first')).then(() => order.push('second'));
    order.push('after');
    await later(5);
    show('order', order);
  }
  finished.add(1);
}

export async function teardown(data) {
  show('teardown', [data.awaited, await later(1, 'awaited')]);
}
