// An ES module that takes a CommonJS one by import, default and by name.
import common_default from './common.cjs.js';
import { add } from './common.cjs.js';

add('a');
export const common = [common_default.add('b'), common_default.seen];
