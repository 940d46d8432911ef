"""What the web interface tells: statistics, exceptions, ratios, logs, tables as CSV."""

import csv
import io
import time
from itertools import chain

from .. import stats as settings
from ..log import get_logs
from ..runners import MasterRunner
from ..stats import StatsCSV, sort_stats
from ..user.inspectuser import get_ratio
from ..util.date import format_safe_timestamp

# More rows than this no page can show.
MOST_ROWS = 500


def statistics(environment):
    """The state and the numbers of the test."""
    runner, stats = environment.runner, environment.stats
    total = stats.total
    entries = sort_stats(stats.entries)[:MOST_ROWS]
    return {
        **_workers(runner),
        "state": runner.state,
        "user_count": runner.user_count,
        "stats": [entry.to_dict() for entry in chain(entries, [total])],
        "errors": [error.to_dict() for error in sort_stats(stats.errors)[:MOST_ROWS]],
        "total_rps": total.total_rps,
        "total_fail_per_sec": total.total_fail_per_sec,
        "current_rps": total.current_rps,
        "current_fail_per_sec": total.current_fail_per_sec,
        "fail_ratio": total.fail_ratio,
        "total_avg_response_time": total.avg_response_time,
        "current_response_time_percentiles": {
            f"response_time_percentile_{p}": total.get_current_response_time_percentile(p)
            for p in settings.PERCENTILES_TO_CHART
        },
    }


def _workers(runner):
    if not isinstance(runner, MasterRunner):
        return {}
    return {
        "worker_count": runner.worker_count,
        "workers": [
            {
                "id": node.id,
                "state": node.state,
                "user_count": node.user_count,
                "cpu_usage": node.cpu_usage,
                "memory_usage": node.memory_usage,
            }
            for node in runner.clients.values()
        ],
    }


def worker_count(environment):
    """How many workers there are; 0 if the users run in this process."""
    runner = environment.runner
    return {"worker_count": runner.worker_count if isinstance(runner, MasterRunner) else 0}


def exceptions(environment):
    """What tasks raised."""
    return {
        "exceptions": [
            {
                "count": exception["count"],
                "msg": exception["msg"],
                "traceback": exception["traceback"],
                "nodes": ", ".join(sorted(exception["nodes"])),
            }
            for exception in environment.runner.exceptions.values()
        ]
    }


def tasks(environment):
    """Shares of user classes and tasks among the users that run."""
    runner = environment.runner
    running = runner.user_classes_count if runner.user_count else runner.final_user_classes_count
    return {
        "per_class": get_ratio(environment.user_classes, running, False),
        "total": get_ratio(environment.user_classes, running, True),
    }


def logs(environment):
    """The last log lines."""
    return {"master": get_logs(), "workers": environment.worker_logs}


def csv_tables(environment):
    """The writer of tables where the command line made none."""
    return StatsCSV(environment, settings.PERCENTILES_TO_REPORT)


class _Guarded:
    """A writer whose texts no spreadsheet takes for formulas: names and errors may be a target's, and downloads are opened by
    people. The files of `--csv`, which programs read, are as Locust's."""

    def __init__(self, writer):
        self._writer = writer

    def writerow(self, row):
        return self._writer.writerow([_no_formula(cell) for cell in row])

    def writerows(self, rows):
        for row in rows:
            self.writerow(row)


def _no_formula(cell):
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell


def as_csv(tables, name):
    """One of the tables `requests`, `failures` and `exceptions`, as text."""
    text = io.StringIO()
    getattr(tables, f"{name}_csv")(_Guarded(csv.writer(text)))
    return text.getvalue()


def download_name(environment):
    """How files that are downloaded begin: time, locustfile and host."""
    host = (environment.host or "").replace("http://", "").replace("https://", "").replace("/", "_").replace(":", "_")
    name = (environment.locustfile or "locustfile").rsplit(".py", 1)[0]
    return "_".join(["Locust", format_safe_timestamp(time.time()), name, *([host] if host else [])])
