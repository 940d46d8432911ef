"""Statistics: what was requested how often, how long it took, what failed.

The numbers live in Rust (`_core.Stats`), where requests are recorded; the classes here are views on them and say them as
text. The constants are read when they are used, so that a locustfile may change them.
"""

from .. import _core

# Seconds between two tables on the console, two points of the charts, two updates and two flushes of the CSV files.
CONSOLE_STATS_INTERVAL_SEC = 2
HISTORY_STATS_INTERVAL_SEC = 5
CSV_STATS_INTERVAL_SEC = 1
CSV_STATS_FLUSH_INTERVAL_SEC = 5
# Seconds that "current" percentiles look back.
CURRENT_RESPONSE_TIME_PERCENTILE_WINDOW = 10
# Widths of the console tables; the name's is fitted to the terminal if there is one.
STATS_NAME_WIDTH = 80
STATS_TYPE_WIDTH = 8
STATS_AUTORESIZE = True
# Which percentiles reports and CSV files, the table of the page, and the charts show.
PERCENTILES_TO_REPORT = [0.5, 0.66, 0.75, 0.8, 0.9, 0.95, 0.98, 0.99, 0.999, 0.9999, 1.0]
PERCENTILES_TO_STATISTICS = [0.95, 0.99]
PERCENTILES_TO_CHART = [0.5, 0.95]

bucket_response_time = _core.bucket_response_time

from .._legacy import current_runner  # noqa: E402
from .._names import elsewhere  # noqa: E402
from .csv_files import StatsCSV, StatsCSVFileWriter  # noqa: E402
from .history import stats_history, update_stats_history  # noqa: E402
from .model import (  # noqa: E402
    RequestStats,
    RequestStatsAdditionError,
    StatsEntry,
    StatsError,
    apply_bucketing,
    calculate_response_time_percentile,
    diff_response_time_dicts,
    get_readable_percentiles,
    sort_stats,
    validate_stats_configuration,
)
from .tables import (  # noqa: E402
    console_logger,
    get_error_report_summary,
    get_percentile_stats_summary,
    get_stats_summary,
    print_error_report,
    print_percentile_stats,
    print_stats,
    print_stats_json,
    save_stats_json,
    stats_printer,
    summary_as_json,
)


def __getattr__(name):
    """The statistics, from where locustfiles took them before version 1.0."""
    if name == "global_stats":
        return current_runner("stats.global_stats", "use environment.stats").stats
    return elsewhere(__name__, name)


__all__ = (
    "CONSOLE_STATS_INTERVAL_SEC",
    "CSV_STATS_FLUSH_INTERVAL_SEC",
    "CSV_STATS_INTERVAL_SEC",
    "CURRENT_RESPONSE_TIME_PERCENTILE_WINDOW",
    "HISTORY_STATS_INTERVAL_SEC",
    "PERCENTILES_TO_CHART",
    "PERCENTILES_TO_REPORT",
    "PERCENTILES_TO_STATISTICS",
    "STATS_AUTORESIZE",
    "STATS_NAME_WIDTH",
    "STATS_TYPE_WIDTH",
    "RequestStats",
    "RequestStatsAdditionError",
    "StatsCSV",
    "StatsCSVFileWriter",
    "StatsEntry",
    "StatsError",
    "apply_bucketing",
    "bucket_response_time",
    "calculate_response_time_percentile",
    "console_logger",
    "diff_response_time_dicts",
    "get_error_report_summary",
    "get_percentile_stats_summary",
    "get_readable_percentiles",
    "get_stats_summary",
    "print_error_report",
    "print_percentile_stats",
    "print_stats",
    "print_stats_json",
    "save_stats_json",
    "sort_stats",
    "stats_history",
    "stats_printer",
    "summary_as_json",
    "update_stats_history",
    "validate_stats_configuration",
)
