"""The HTML report: one file without anything from elsewhere, that opens anywhere and prints well."""

from html import escape
from itertools import chain

from . import stats as settings
from ._chart import line_chart
from ._names import elsewhere
from .user.inspectuser import get_ratio
from .util.date import format_duration, format_utc_timestamp

# The columns of the table of response times.
PERCENTILES_FOR_HTML_REPORT = [0.50, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0]

_STYLE = """
:root { color-scheme: light dark; font: 14px/1.5 system-ui, sans-serif }
body { margin: 2rem auto; max-width: 75rem; padding: 0 1rem }
h1 { font-size: 1.5rem } h2 { font-size: 1.15rem; margin-top: 2rem }
dl { display: grid; grid-template-columns: max-content auto; gap: 0 1rem } dt { font-weight: 600 } dd { margin: 0 }
table { border-collapse: collapse; width: 100% }
th, td { text-align: right; padding: .25rem .6rem; border-bottom: 1px solid #8884; white-space: nowrap }
th.text, td.text { text-align: left; white-space: pre-wrap; overflow-wrap: anywhere }
tr.total { font-weight: 600 }
figure { margin: 0 0 1.5rem } figcaption { font-weight: 600 } svg { width: 100%; height: auto }
ul { margin: .2rem 0 }
"""
_THEMES = {"dark": "dark", "light": "light"}


def get_html_report(environment, show_download_link=True, theme=""):
    """The report on an environment's statistics as HTML. `theme` is `dark`, `light` or, for the reader's own, empty."""
    stats = environment.stats
    start, end = stats.start_time, stats.last_request_timestamp or stats.start_time
    title = environment.locustfile or "locustfile"
    style = _STYLE.replace("light dark", _THEMES.get(theme, "light dark"))
    body = "".join(
        [
            f"<h1>{escape(title)}</h1>",
            _facts(environment, start, end),
            '<p><a href="?download=1">Download this report</a></p>' if show_download_link else "",
            _requests(stats),
            _response_times(stats),
            _failures(stats),
            _exceptions(environment),
            _charts(stats.history),
            _ratios(environment),
        ]
    )
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{style}</style></head>'
        f"<body>{body}</body></html>\n"
    )


def _facts(environment, start, end):
    facts = [
        ("Profile", environment.profile),
        ("During", f"{format_utc_timestamp(start)} to {format_utc_timestamp(end)} ({format_duration(start, end)})"),
        ("Target", environment.host or ", ".join(sorted({cls.host for cls in environment.user_classes if cls.host}))),
        ("Locustfile", environment.locustfile),
    ]
    return f"<dl>{''.join(f'<dt>{name}</dt><dd>{escape(value)}</dd>' for name, value in facts if value)}</dl>"


def _table(title, columns, rows, texts):
    """A table; the first `texts` columns are text, a row that is marked as total stands out."""

    def cells(values, tag):
        return "".join(
            f"<{tag}{' class=text' if index < texts else ''}>{escape(str(value))}</{tag}>"
            for index, value in enumerate(values)
        )

    body = "".join(f"<tr{' class=total' if total else ''}>{cells(row, 'td')}</tr>" for row, total in rows)
    return f"<h2>{title}</h2><table><thead><tr>{cells(columns, 'th')}</tr></thead><tbody>{body}</tbody></table>"


def _entries(stats):
    return chain(((entry, False) for entry in settings.sort_stats(stats.entries)), [(stats.total, True)])


def _requests(stats):
    columns = ["Method", "Name", "Requests", "Failures", "Average (ms)", "Min (ms)", "Max (ms)", "Average size (bytes)"]
    rows = [
        (
            [
                entry.method,
                entry.name,
                entry.num_requests,
                entry.num_failures,
                f"{entry.avg_response_time:.2f}",
                f"{entry.min_response_time or 0:.0f}",
                f"{entry.max_response_time:.0f}",
                f"{entry.avg_content_length:.1f}",
                f"{entry.total_rps:.2f}",
                f"{entry.total_fail_per_sec:.2f}",
            ],
            total,
        )
        for entry, total in _entries(stats)
    ]
    return _table("Requests", [*columns, "Requests/s", "Failures/s"], rows, 2)


def _response_times(stats):
    headings = settings.get_readable_percentiles(PERCENTILES_FOR_HTML_REPORT)
    rows = [
        (
            [entry.method, entry.name, *(entry.get_response_time_percentile(p) for p in PERCENTILES_FOR_HTML_REPORT)],
            total,
        )
        for entry, total in _entries(stats)
    ]
    return _table("Response times (ms)", ["Method", "Name", *headings], rows, 2)


def _failures(stats):
    if not stats.errors:
        return ""
    rows = [
        ([error.method, error.name, error.parse_error(error.error), error.occurrences], False)
        for error in sorted(stats.errors.values(), key=lambda error: -error.occurrences)
    ]
    return _table("Failures", ["Method", "Name", "Error", "Occurrences"], rows, 3)


def _exceptions(environment):
    exceptions = environment.runner.exceptions.values() if environment.runner else ()
    rows = [([each["msg"], each["traceback"], each["count"]], False) for each in exceptions]
    return _table("Exceptions", ["Message", "Traceback", "Occurrences"], rows, 2) if rows else ""


def _charts(history):
    if len(history) < 2:
        return ""
    times = [point["time"] for point in history]

    def series(key):
        return [point[key][1] for point in history]

    percentiles = {
        f"{p * 100:g} %": series(f"response_time_percentile_{p}")
        for p in settings.PERCENTILES_TO_CHART
        if f"response_time_percentile_{p}" in history[0]
    }
    charts = (
        ("Requests a second", {"requests": series("current_rps"), "failures": series("current_fail_per_sec")}),
        ("Response times (ms)", percentiles),
        ("Users", {"users": series("user_count")}),
    )
    return "<h2>Charts</h2>" + "".join(line_chart(title, times, lines) for title, lines in charts)


def _ratios(environment):
    runner = environment.runner
    spawned = runner.final_user_classes_count or runner.user_classes_count if runner else {}
    parts = []
    for title, total in (("Share of tasks in each class", False), ("Share of tasks in all", True)):
        parts.append(f"<h3>{title}</h3>{_ratio_list(get_ratio(environment.user_classes, spawned, total))}")
    return "<h2>Ratios</h2>" + "".join(parts)


def _ratio_list(ratios):
    items = (
        f"<li>{entry['ratio'] * 100:.1f} % {escape(name)}{_ratio_list(entry['tasks']) if entry.get('tasks') else ''}</li>"
        for name, entry in ratios.items()
    )
    return f"<ul>{''.join(items)}</ul>"


def process_html_filename(options):
    """Puts users, rate and run time in place of `{u}`, `{r}` and `{t}` in the report's file name."""
    run_time = options.run_time
    options.html_file = (
        options.html_file.replace("{u}", str(options.num_users))
        .replace("{r}", str(options.spawn_rate))
        .replace("{t}", str(run_time))
    )


def write_report(environment, path):
    """Writes the report to a file."""
    with open(path, "w", encoding="utf-8", errors="replace") as file:
        file.write(get_html_report(environment, show_download_link=False))


def __getattr__(name):
    """What Locust's module has from others."""
    return elsewhere(__name__, name)
