// The run as files: those that the server has.

import { run } from '../model/here';

const FILES: readonly { href: string; title: string; text: string }[] = [
  {
    href: 'stats/report?download=1',
    title: 'Report',
    text: 'This page with the run in it, as one file that needs no server.',
  },
  {
    href: 'stats/requests/csv',
    title: 'Requests, CSV',
    text: 'The statistics of each request with all percentiles.',
  },
  { href: 'stats/failures/csv', title: 'Failures, CSV', text: 'Each error with how often it came.' },
  { href: 'exceptions/csv', title: 'Exceptions, CSV', text: 'What the script raised, with tracebacks.' },
  { href: 'api/v1/summary.json', title: 'Summary, JSON', text: 'All end results for a program to read.' },
  { href: 'api/v1/snapshot', title: 'Run, JSON', text: 'Everything that this page shows, second by second.' },
];

/** What Locust's own endpoints give, with every locustfile. */
const LOCUST = ['stats/requests/csv', 'stats/failures/csv', 'exceptions/csv'];
const ALWAYS = 'api/v1/snapshot';

export function Downloads() {
  const about = run.about.value;
  const there = about?.downloads ?? (about?.kind === 'locust' ? LOCUST : []);
  return (
    <section class="downloads">
      {FILES.filter(({ href }) => href === ALWAYS || there.includes(href)).map(({ href, title, text }) => (
        <a key={href} class="card" href={href} download={href === ALWAYS ? 'run.json' : ''}>
          <strong>{title}</strong>
          <span>{text}</span>
        </a>
      ))}
    </section>
  );
}
