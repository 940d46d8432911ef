// An import that does not exist.
import nothing from './lib/no-such-file.js';

export default function () {
  nothing();
}
