// The run as files.

import { clip } from '../model/format';
import { run } from '../model/here';
import { place } from '../model/place';

interface File {
  href: string;
  title: string;
  text: string;
  /** The name to keep it under, where the server gives none. */
  as?: string;
  /** Which kind of test has it, if not both. */
  only?: 'locust' | 'k6';
}

const FILES: readonly File[] = [
  {
    href: 'api/v1/report',
    title: 'Report',
    text: 'This page with the run in it, as one file that needs no server.',
  },
  {
    href: 'stats/requests/csv',
    title: 'Requests, CSV',
    text: 'The statistics of each request with all percentiles.',
  },
  { href: 'stats/failures/csv', title: 'Failures, CSV', text: 'Each error with how often it came.' },
  {
    href: 'exceptions/csv',
    title: 'Exceptions, CSV',
    text: 'What the script raised, with tracebacks.',
    only: 'locust',
  },
  {
    href: 'api/v1/summary.json',
    title: 'Summary, JSON',
    text: 'What handleSummary() is given: metrics, checks and thresholds.',
    as: 'summary.json',
    only: 'k6',
  },
  {
    href: 'api/v1/snapshot',
    title: 'Run, JSON',
    text: 'All that this page shows, second by second.',
    as: 'run.json',
  },
];

/** Of a past run there is what was kept of it. */
const ofPast = (id: number): File[] => [
  {
    href: `api/v1/history/${id}/report`,
    title: 'Report',
    text: 'This page with the run in it, as one file that needs no server.',
  },
  {
    href: `api/v1/history/${id}/snapshot`,
    title: 'Run, JSON',
    text: 'All that this page shows, second by second.',
    as: `run-${id}.json`,
  },
];

/** Files that a locustfile adds, below the page's own path. */
const ofTest = (): File[] =>
  (run.about.value?.extended?.files ?? [])
    // Nothing that a link would run.
    .filter(({ href }) => typeof href === 'string' && !/^[\s\w+.-]*:/.test(href))
    .map(({ href, title, text }) => ({
      href: href.replace(/^[/\\]+/, ''),
      title: clip(String(title), 80),
      text: clip(String(text ?? 'A file of this test.'), 160),
    }));

export function Downloads() {
  const kind = run.about.value?.kind;
  return (
    <section class="downloads">
      {(place.value.past === null ? [...FILES, ...ofTest()] : ofPast(place.value.past))
        .filter(({ only }) => !only || only === kind)
        .map(({ href, title, text, as }) => (
          <a key={href} class="card" href={href} download={as ?? ''}>
            <strong>{title}</strong>
            <span>{text}</span>
          </a>
        ))}
    </section>
  );
}
