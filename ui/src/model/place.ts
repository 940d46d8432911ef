// Where the reader is in the page: the tab, and the requests whose charts are open. Kept in the URL's hash
// (`#charts/3,7`), so that a reload and the back button keep it. A past run's number stands before (`#12/charts/3,7`); two
// runs side by side are `#compare/11,12`.

import { signal } from '@preact/signals';

export interface Place {
  /** The past run that is looked at. */
  past: number | null;
  tab: string;
  requests: readonly number[];
}

export const MAX_COMPARED = 6;

export function parsePlace(hash: string): Place {
  const parts = hash.replace(/^#/, '').split('/');
  const past = /^\d+$/.test(parts[0] ?? '') ? Number(parts.shift()) : null;
  const [tab = '', list = ''] = parts;
  const requests = list
    .split(',')
    .filter((part) => /^\d+$/.test(part))
    .map(Number);
  return { past, tab, requests: [...new Set(requests)].slice(0, MAX_COMPARED) };
}

export const printPlace = (place: Place) =>
  `#${place.past === null ? '' : `${place.past}/`}${place.tab}${place.requests.length ? `/${place.requests.join(',')}` : ''}`;

export const place = signal<Place>({ past: null, tab: '', requests: [] });

export function go(to: Partial<Place>): void {
  const next = { ...place.peek(), ...to };
  place.value = next;
  const hash = printPlace(next);
  if (location.hash !== hash) history.pushState(null, '', hash);
}

/** Follows the URL from now on. */
export function followHash(): void {
  const read = () => {
    place.value = parsePlace(location.hash);
  };
  addEventListener('hashchange', read);
  addEventListener('popstate', read);
  read();
}
