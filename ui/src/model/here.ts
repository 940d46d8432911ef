// The page's one run.

import { Run } from './run';

export const run = new Run();
