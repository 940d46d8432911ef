// Environment variables: the process's, --env, a scenario's; and those that scripts do not see.
// @functions __ENV
// @options includeSystemEnvVars
// @run default
// @env default FROM_PROCESS=process
// @run flags -e OWN=flag -e EMPTY -e FROM_PROCESS=flag -e WITH=a=b
// @env flags FROM_PROCESS=process
// @run without --include-system-env-vars=false -e OWN=flag
// @env without FROM_PROCESS=process
// @run not-an-option -e K6_VUS=5
// @run bad-name -e 1A=x
import { show } from './lib/show.js';

if (__VU === 1) show('in init', __ENV.OWN);

export default function () {
  show('values', [__ENV.FROM_PROCESS, __ENV.OWN, __ENV.EMPTY, __ENV.WITH, typeof __ENV.NOT_SET]);
  __ENV.OWN = 'written';
  show('written', __ENV.OWN);
  show('path', __ENV.PATH !== undefined);
}
