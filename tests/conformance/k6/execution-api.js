// k6/execution: instance, scenario, vu and test, and where each may be used.
// @functions k6/execution.instance k6/execution.scenario k6/execution.vu k6/execution.test exec.vu.tags exec.vu.metrics exec.test.options
// @options scenarios tags
// @executors per-vu-iterations
import exec, { instance, scenario, test, vu } from 'k6/execution';
import { Counter } from 'k6/metrics';
import { attempt, show } from './lib/show.js';

const counted = new Counter('counted');

export const options = {
  tags: { run: 'tagged' },
  thresholds: { counted: ['count>0'] },
  scenarios: {
    one: { executor: 'per-vu-iterations', vus: 1, iterations: 2, exec: 'work', tags: { which: 'first' }, gracefulStop: '5s' },
  },
};

if (__VU === 1) {
  attempt('scenario in init', () => exec.scenario.name);
  attempt('vu in init', () => exec.vu.idInInstance);
  attempt('test.options in init', () => typeof exec.test.options);
}

export function setup() {
  attempt('vu in setup', () => [exec.vu.idInInstance, exec.vu.idInTest]);
  attempt('instance in setup', () => exec.instance.vusActive);
  attempt('scenario in setup', () => exec.scenario.name);
}

export function work() {
  show('scenario', [exec.scenario.name, exec.scenario.executor, exec.scenario.iterationInInstance, exec.scenario.iterationInTest]);
  show('start', Math.abs(exec.scenario.startTime - Date.now()) < 20000);
  show('progress', exec.scenario.progress >= 0 && exec.scenario.progress <= 1);
  show('vu', [exec.vu.idInInstance, exec.vu.idInTest, exec.vu.iterationInInstance, exec.vu.iterationInScenario]);
  const i = exec.instance;
  show('instance', [i.vusActive, i.vusInitialized, i.iterationsCompleted, i.iterationsInterrupted, i.currentTestRunDuration > 0]);
  show('options with defaults', [exec.test.options.systemTags, exec.test.options.summaryTrendStats]);
  show('named', [instance.vusActive, scenario.name, vu.idInTest, typeof test.abort, typeof test.fail]);
  counted.add(1);
  exec.vu.metrics.tags.mine = 'yes';
  exec.vu.tags.number = 5;
  exec.vu.metrics.metadata.note = 'for the raw output';
  show('tags', [exec.vu.metrics.tags.mine, exec.vu.tags.mine, exec.vu.metrics.tags.number, exec.vu.metrics.tags.scenario, Object.keys(exec.vu.metrics.tags).sort()]);
  counted.add(1);
  counted.add(1, { mine: 'by the call' });
  delete exec.vu.metrics.tags.number;
  delete exec.vu.metrics.metadata.note;
  counted.add(1);
  attempt('an object as a tag', () => (exec.vu.metrics.tags.bad = {}));
  attempt('all tags at once', () => {
    exec.vu.metrics.tags = { fresh: 'start' };
    return exec.vu.metrics.tags.fresh;
  });
  counted.add(1);
  const o = exec.test.options;
  show('options', [Object.keys(o.scenarios), o.scenarios.one.vus, o.scenarios.one.executor, o.thresholds.counted, o.tags, o.vus, o.paused]);
  attempt('options are frozen', () => {
    'use strict';
    exec.test.options.tags = {};
    return 'written';
  });
}

export function teardown() {
  attempt('vu in teardown', () => exec.vu.idInTest);
}
