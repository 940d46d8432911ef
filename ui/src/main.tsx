// Where the page starts: a report brings its run along, otherwise the server is asked.

import 'uplot/dist/uPlot.min.css';
import './styles/base.css';
import './styles/header.css';
import './styles/controls.css';
import './styles/table.css';
import './styles/charts.css';
import './styles/views.css';
import { render } from 'preact';
import { run } from './model/here';
import { openReport, refresh, watchPlace } from './model/history';
import { followHash } from './model/place';
import { ask as askForSession } from './model/session';
import { embedded, follow, link } from './model/stream';
import { App } from './views/app';

followHash();
const report = embedded(document);
if (report) {
  link.value = 'report';
  if ('comparison' in report) openReport(report);
  else run.snapshot(report);
} else {
  watchPlace(follow(run, refresh));
  void askForSession();
}
const root = document.getElementById('app');
if (root) render(<App />, root);
