// A script that exports no function has nothing to run.
export const options = { vus: 1 };
