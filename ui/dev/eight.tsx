// Eight charts of six lines each, fed as the page is: what `npm run measure` measures.

import 'uplot/dist/uPlot.min.css';
import '../src/styles/base.css';
import '../src/styles/charts.css';
import { render } from 'preact';
import { Chart } from '../src/charts/chart';
import { COMPARED } from '../src/charts/colours';
import { decimal } from '../src/model/format';
import { run } from '../src/model/here';
import { follow } from '../src/model/stream';

const COLUMNS = ['rps', 'fps', 'p50', 'p95', 'p99', 'mean'];

function Eight() {
  return (
    <main>
      {Array.from({ length: 8 }, (_, chart) => (
        <Chart
          key={chart}
          title={`Chart ${chart + 1}`}
          format={decimal}
          axis={(value) => decimal(value)}
          lines={COLUMNS.map((column, index) => ({
            label: column,
            colour: COMPARED[index] ?? '--mean',
            column: () => run.timeline.columns.get(column),
          }))}
        />
      ))}
    </main>
  );
}

follow(run, undefined, '../api/v1/events');
render(<Eight />, document.getElementById('app') as HTMLElement);
