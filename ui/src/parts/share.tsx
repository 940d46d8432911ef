// A share of 0 to 1 as a short bar; the number stands beside it.

export function Share({ value, tone = 'good' }: { value: number | null; tone?: 'good' | 'accent' }) {
  return (
    <span class={`share ${tone}`} aria-hidden="true">
      <i style={{ width: `${Math.max(0, Math.min(1, value ?? 0)) * 100}%` }} />
    </span>
  );
}
