// What is asked for in the form that scales a k6 run.

export interface Scaling {
  vus: number;
  /** Only if it is to change: with workers it cannot. */
  max: number | undefined;
  vusWrong: string | undefined;
  maxWrong: string | undefined;
}

const isWhole = (text: string) => /^\d{1,9}$/.test(text.trim());

/** Reads both fields; `maxNow` is what holds without a change. */
export function scaling(vus: string, max: string, maxNow: number): Scaling {
  const [wanted, most] = [Number(vus), Number(max)];
  const maxWrong = isWhole(max) ? undefined : 'a whole number';
  const tooMany = isWhole(vus) && !maxWrong && wanted > most;
  return {
    vus: wanted,
    max: most === maxNow ? undefined : most,
    vusWrong: !isWhole(vus) ? 'a whole number' : tooMany ? `more than at most: raise ${most} too` : undefined,
    maxWrong,
  };
}
