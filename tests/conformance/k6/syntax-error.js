// A script that does not parse, one whose import is missing, and others that cannot start.
// @run default
export default function () {
  const x = ;
}
