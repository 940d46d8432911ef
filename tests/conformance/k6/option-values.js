// Values that scripts compute for their options: what JSON has no form for, what is missing, what is of another type.
// @options vus iterations tags scenarios
// @run not-a-number -e OPTIONS=nan
// @run infinite -e OPTIONS=infinite
// @run function -e OPTIONS=function
// @run missing -e OPTIONS=missing
// @run bigint -e OPTIONS=bigint
// @run text -e OPTIONS=text
import exec from 'k6/execution';
import { show } from './lib/show.js';

const chosen = {
  nan: { vus: Number(__ENV.NO_SUCH_VARIABLE), iterations: 2 },
  infinite: { stages: [{ duration: '1s', target: 1 / 0 }] },
  function: { iterations: 1, scenarios: { a: { executor: 'shared-iterations', exec: () => 'default' } } },
  missing: {
    tags: { build: __ENV.NO_SUCH_VARIABLE, stage: null },
    thresholds: undefined,
    scenarios: {
      one: {
        executor: 'per-vu-iterations', vus: undefined, iterations: 2,
        tags: { scenario: 'mine', team: undefined, own: 'yes' }, env: { TOKEN: __ENV.NO_SUCH_VARIABLE },
      },
    },
  },
  bigint: { iterations: 2n, vus: 2n },
  text: { iterations: '3', vus: '2' },
};

export const options = chosen[__ENV.OPTIONS];

export default function () {
  if (exec.scenario.iterationInTest !== 0) return;
  show('tags', exec.vu.metrics.tags);
  show('token', __ENV.TOKEN);
  show('options', [exec.test.options.tags, exec.test.options.scenarios]);
}
