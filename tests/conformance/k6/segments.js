// Execution segments: which iterations and virtual users an instance has.
// @options executionSegment executionSegmentSequence
// @executors shared-iterations per-vu-iterations
// @run first --execution-segment 0:1/3 --execution-segment-sequence 0,1/3,2/3,1
// @run second --execution-segment 1/3:2/3 --execution-segment-sequence 0,1/3,2/3,1
// @run third --execution-segment 2/3:1 --execution-segment-sequence 0,1/3,2/3,1
// @run half --execution-segment 50%
// @order any
// @spread / an execution segment together with workers is refused: workers are dealt the whole test
import exec from 'k6/execution';
import { sleep } from 'k6';

export const options = {
  scenarios: {
    shared: { executor: 'shared-iterations', vus: 5, iterations: 11 },
    each: { executor: 'per-vu-iterations', vus: 4, iterations: 2, startTime: '500ms' },
  },
};

export default function () {
  const s = exec.scenario;
  console.log(`${s.name} iteration ${s.iterationInTest}`);
  sleep(0.02);
}
