// A script on standard input.
// @run default
// @stdin default
import { check } from 'k6';

export default function () {
  check(1, { 'from standard input': true });
}
