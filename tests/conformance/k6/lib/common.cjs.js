// A CommonJS module, for modules.js.
const seen = (module.exports.seen = []);
module.exports.add = function (value) {
  seen.push(value);
  return seen.length;
};
