"""The points of the charts: one every few seconds while a test runs, kept for the whole run."""

from datetime import datetime, timezone

import gevent

from .. import stats as settings
from ..util.date import format_utc_timestamp


def stats_history(runner):
    """Adds points as long as the process lives. Run as a greenlet."""
    while True:
        if runner.state not in ("ready", "stopped"):
            update_stats_history(runner)
        gevent.sleep(settings.HISTORY_STATS_INTERVAL_SEC)


def update_stats_history(runner, timestamp=None):
    """Adds one point to `runner.stats.history`."""
    stats = runner.stats
    total = stats.total
    at = timestamp or format_utc_timestamp(datetime.now(tz=timezone.utc).timestamp())
    point = {"time": at}
    for p in settings.PERCENTILES_TO_CHART:
        point[f"response_time_percentile_{p}"] = [at, total.get_current_response_time_percentile(p) or 0]
    point["current_rps"] = [at, total.current_rps or 0]
    point["current_fail_per_sec"] = [at, total.current_fail_per_sec or 0]
    point["total_avg_response_time"] = [at, proper_mean(total)]
    point["user_count"] = [at, runner.user_count or 0]
    stats.history.append(point)


def proper_mean(entry):
    """The mean response time in ms with two decimals."""
    return round(entry.avg_response_time, 2)
