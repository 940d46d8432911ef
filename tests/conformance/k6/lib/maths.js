// An ES module with every kind of export, for modules.js.
import { base } from './deeper/base.js';

export const two = base + 1;
export default function double(n) {
  return n * two;
}
export { base as one };
export const where = import.meta.resolve('./deeper/base.js').split('/').slice(-3).join('/');
