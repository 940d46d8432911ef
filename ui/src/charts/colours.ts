// The stylesheet's colours for what draws on a canvas.

import { computed, effect, signal } from '@preact/signals';
import { theme } from '../model/settings';

const prefersDark = matchMedia('(prefers-color-scheme: dark)');
const system = signal(prefersDark.matches);
prefersDark.addEventListener('change', (event) => {
  system.value = event.matches;
});

/** Changes when colours have to be asked for again. */
export const dark = computed(() => (theme.value === 'auto' ? system.value : theme.value === 'dark'));

// At once, not with the next rendering: charts ask for colours as soon as `dark` has changed.
effect(() => {
  document.documentElement.dataset.theme = theme.value;
});

let probe: HTMLElement | undefined;
/** Asking costs a computation of styles each time. */
const known = new Map<string, string>();
let knownFor: boolean | undefined;

/** What the custom property `name` stands for now, as `rgb(…)`, with an opacity if one is given. */
export function colour(name: string, opacity = 1): string {
  if (knownFor !== dark.peek()) known.clear();
  knownFor = dark.peek();
  let rgb = known.get(name);
  if (rgb === undefined) {
    if (!probe) {
      probe = document.createElement('i');
      probe.hidden = true;
      document.body.append(probe);
    }
    probe.style.color = `var(${name})`;
    rgb = getComputedStyle(probe).color;
    known.set(name, rgb);
  }
  return opacity === 1 ? rgb : rgb.replace(/^rgb\((.*)\)$/, `rgba($1, ${opacity})`);
}

/** For lines that are compared with each other: told apart in both schemes, and by those who see few colours. */
export const COMPARED = ['--line-1', '--line-2', '--line-3', '--line-4', '--line-5', '--line-6'];
