// Modules from https: with imports of their own, and what becomes of those that cannot be had.
// @functions require
// @run module
// @env module WHAT=greet.js
// @run commonjs
// @env commonjs WHAT=common.js
// @run missing
// @env missing WHAT=no-such.js
// @run missing-inside
// @env missing-inside WHAT=missing.js
// @run untrusted
// @env untrusted WHAT=greet.js
// @env untrusted SSL_CERT_FILE={CERTIFICATES}/client.pem
const remote = require(`${__ENV.HTTPS}/modules/${__ENV.WHAT}`);

exports.default = function () {
  console.log(remote.greet ? remote.greet() : remote.sum(2, 3));
};
