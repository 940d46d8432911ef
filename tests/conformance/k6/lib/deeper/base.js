if (__VU > 0) console.log(`base.js runs in VU ${__VU}`);
export const base = 1;
