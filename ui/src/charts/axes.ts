// How the numbers beside a chart are written.

const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 3 });

export const compactAxis = (value: number) => compact.format(value);
export const msAxis = (value: number) =>
  value >= 10_000 ? `${compact.format(value / 1000)}s` : compact.format(value);
