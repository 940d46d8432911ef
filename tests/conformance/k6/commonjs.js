// A script that is itself CommonJS.
// @functions require
const http = require('k6/http');
const { check } = require('k6');
const common = require('./lib/common.cjs.js');

exports.options = { iterations: 2 };

exports.default = function () {
  check(http.get(`${__ENV.HTTP}/`), { 'got it': (r) => r.status === 200 });
  console.log(common.add(__ITER), require === undefined);
};

exports.setup = function () {
  return 1;
};
