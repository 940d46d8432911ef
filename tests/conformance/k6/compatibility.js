// Options of which a script sees little: the compatibility mode and the size of k6's sample buffer.
// @options compatibilityMode metricSamplesBufferSize
// @run extended --compatibility-mode extended
// @run base --compatibility-mode base
// @run env
// @env env K6_COMPATIBILITY_MODE=base
// @env env K6_METRIC_SAMPLES_BUFFER_SIZE=10
import { show } from './lib/show.js';

export const options = { metricSamplesBufferSize: 500 };

export default function () {
  show('globals', [typeof global, typeof globalThis, typeof require]);
}
