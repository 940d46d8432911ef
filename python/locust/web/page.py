"""The page: a form to start and change a test, and the table of requests, from the JSON that others use too."""

import html
import json

from ..runners import MasterRunner
from .answers import worker_count

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>throng: LOCUSTFILE</title>
<style>
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif }
body { margin: 2rem auto; max-width: 75rem; padding: 0 1rem }
form { display: flex; flex-wrap: wrap; gap: 1rem; align-items: end }
label { display: grid }
table { border-collapse: collapse; width: 100%; margin-top: 1.5rem }
th, td { text-align: right; padding: .25rem .6rem; border-bottom: 1px solid #8884 }
th:nth-child(-n+2), td:nth-child(-n+2) { text-align: left }
tr:last-child { font-weight: bold }
</style>
</head>
<body>
<h1>LOCUSTFILE</h1>
<p id="state" role="status"></p>
<form id="swarm">
<label>Users <input name="user_count" type="number" min="0" required></label>
<label>Users started a second <input name="spawn_rate" type="number" min="0.01" step="any" required></label>
<label>Host <input name="host" size="32"></label>
<label>Run time <input name="run_time" placeholder="20s, 3m, 1h20m" size="12"></label>
<button>Start</button>
<button type="button" id="stop">Stop</button>
<button type="button" id="reset">Reset statistics</button>
</form>
<p id="message" role="alert"></p>
<table>
<thead><tr><th>Type<th>Name<th>Requests<th>Failures<th>Median<th>Average<th>Min<th>Max<th>req/s<th>failures/s</tr></thead>
<tbody id="rows"></tbody>
</table>
<p>Download: <a href="stats/requests/csv">requests</a>, <a href="stats/failures/csv">failures</a>,
<a href="exceptions/csv">exceptions</a>, <a href="stats/report?download=1">report</a></p>
<script>
window.templateArgs = ARGUMENTS;
const byId = id => document.getElementById(id);
const form = byId('swarm');
for (const [name, key] of [['user_count', 'num_users'], ['spawn_rate', 'spawn_rate'], ['host', 'host'], ['run_time', 'run_time']])
  form.elements[name].value = window.templateArgs[key] ?? '';
const post = async (path, body) => (await fetch(path, { method: 'POST', body })).text();
form.onsubmit = async event => {
  event.preventDefault();
  byId('message').textContent = JSON.parse(await post('swarm', new URLSearchParams(new FormData(form)))).message;
  show();
};
byId('stop').onclick = async () => { byId('message').textContent = JSON.parse(await post('stop')).message; show(); };
byId('reset').onclick = async () => { await post('stats/reset'); show(); };
const columns = ['method', 'name', 'num_requests', 'num_failures', 'median_response_time', 'avg_response_time',
  'min_response_time', 'max_response_time', 'current_rps', 'current_fail_per_sec'];
async function show() {
  const now = await (await fetch('stats/requests')).json();
  byId('state').textContent = `${now.state}: ${now.user_count} users, ${now.current_rps.toFixed(1)} requests a second, ` +
    `${(now.fail_ratio * 100).toFixed(1)} % failed`;
  byId('rows').replaceChildren(...now.stats.map(entry => {
    const row = document.createElement('tr');
    for (const key of columns) {
      const value = entry[key];
      row.insertCell().textContent = typeof value === 'number' && !Number.isInteger(value) ? value.toFixed(1) : value ?? '';
    }
    return row;
  }));
}
show();
setInterval(show, 2000);
</script>
</body>
</html>
"""


def template_args(web_ui):
    """What the page is told when it is loaded; programs read it from there too."""
    environment = web_ui.environment
    options = environment.parsed_options
    runner = environment.runner
    return {
        "locustfile": environment.locustfile,
        "state": runner.state,
        "is_distributed": isinstance(runner, MasterRunner),
        "user_count": runner.user_count,
        "host": environment.host,
        "num_users": getattr(options, "num_users", None),
        "spawn_rate": getattr(options, "spawn_rate", None),
        "run_time": getattr(options, "run_time", None),
        **worker_count(environment),
        "show_userclass_picker": web_ui.userclass_picker_is_active,
        "available_user_classes": sorted(environment.available_user_classes or {}),
        "available_shape_classes": ["Default", *(environment.available_shape_classes or {})],
        "history": environment.stats.history,
        "profile": environment.profile,
        **web_ui.template_args,
    }


def page(web_ui):
    """The page as HTML."""
    # `</` would end the script.
    arguments = json.dumps(template_args(web_ui), default=str).replace("</", "<\\/")
    name = html.escape(web_ui.environment.locustfile or "throng")
    return _PAGE.replace("LOCUSTFILE", name).replace("ARGUMENTS", arguments)
