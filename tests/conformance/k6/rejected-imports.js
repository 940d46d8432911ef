// Specifiers that are not imports: bare names, plain http, modules that do not exist.
// @run bare
// @env bare WHAT=lodash
// @run plain-http
// @env plain-http WHAT=http://127.0.0.1:1/x.js
// @run unknown-builtin
// @env unknown-builtin WHAT=k6/no-such-module
// @run removed-builtin
// @env removed-builtin WHAT=k6/experimental/timers
// @functions require
const taken = require(__ENV.WHAT);

exports.default = function () {
  console.log(typeof taken);
};
