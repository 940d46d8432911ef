// Options that cannot be: the exit code, and that nothing runs.
// @options thresholds scenarios stages duration iterations
// @run threshold-syntax
// @env threshold-syntax OPTIONS={"thresholds":{"checks":["rate>>1"]}}
// @run threshold-method
// @env threshold-method OPTIONS={"thresholds":{"checks":["avg>1"]}}
// @run threshold-metric
// @env threshold-metric OPTIONS={"thresholds":{"no_such_metric":["avg>1"]}}
// @run scenario-field
// @env scenario-field OPTIONS={"scenarios":{"a":{"executor":"constant-vus","duration":"1s","colour":"red"}}}
// @run scenario-executor
// @env scenario-executor OPTIONS={"scenarios":{"a":{"executor":"no-such"}}}
// @run scenario-exec
// @env scenario-exec OPTIONS={"scenarios":{"a":{"executor":"constant-vus","duration":"1s","exec":"nothing"}}}
// @run scenario-name
// @env scenario-name OPTIONS={"scenarios":{"a b":{"executor":"constant-vus","duration":"1s"}}}
// @run scenario-required
// @env scenario-required OPTIONS={"scenarios":{"a":{"executor":"constant-vus"}}}
// @run too-few-iterations
// @env too-few-iterations OPTIONS={"vus":5,"iterations":2}
// @run conflict
// @env conflict OPTIONS={"duration":"1s","stages":[{"duration":"1s","target":1}]}
// @run shortcut-and-scenarios
// @env shortcut-and-scenarios OPTIONS={"duration":"1s","scenarios":{"a":{"executor":"constant-vus","duration":"1s"}}}
// @run wrong-type
// @env wrong-type OPTIONS={"vus":"many"}
// @run bad-duration
// @env bad-duration OPTIONS={"duration":"soon"}
// @run short-duration
// @env short-duration OPTIONS={"vus":1,"duration":"10ms"}
// @run no-vus
// @env no-vus OPTIONS={"vus":0,"duration":"1s"}
// @run max-vus
// @env max-vus OPTIONS={"scenarios":{"a":{"executor":"constant-arrival-rate","rate":1,"duration":"1s","preAllocatedVUs":2,"maxVUs":1}}}
// @run unknown-option
// @env unknown-option OPTIONS={"colour":"red"}
// @run system-tag
// @env system-tag OPTIONS={"systemTags":["no-such"]}
// @run flag --no-such-flag
// @run flag-value --vus many
// @run env-value
// @env env-value K6_VUS=many
// @env env-value OPTIONS={}
// @run output --out no-such-output
export const options = JSON.parse(__ENV.OPTIONS || '{}');

export default function () {
  console.log('ran');
}
