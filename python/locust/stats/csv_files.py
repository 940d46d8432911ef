"""Statistics as CSV: for the page's downloads, and as files that grow while a test runs."""

import csv
import os
import time

import gevent

from .. import stats as settings
from ..util.date import format_utc_timestamp
from .model import get_readable_percentiles, sort_stats

_TOTALS = [
    "Total Request Count",
    "Total Failure Count",
    "Total Median Response Time",
    "Total Average Response Time",
    "Total Min Response Time",
    "Total Max Response Time",
    "Total Average Content Size",
]


class StatsCSV:
    """Writes the tables of an environment's statistics to writers of the module `csv`."""

    def close_files(self):
        """Nothing: the writers are somebody else's."""

    def __init__(self, environment, percentiles_to_report):
        self.environment = environment
        self.percentiles_to_report = percentiles_to_report
        self.percentiles_na = ["N/A"] * len(percentiles_to_report)
        self.requests_csv_columns = [
            "Type",
            "Name",
            "Request Count",
            "Failure Count",
            "Median Response Time",
            "Average Response Time",
            "Min Response Time",
            "Max Response Time",
            "Average Content Size",
            "Requests/s",
            "Failures/s",
            *get_readable_percentiles(percentiles_to_report),
        ]
        self.failures_columns = ["Method", "Name", "Error", "Occurrences", "First Seen", "Last Seen"]
        self.exceptions_columns = ["Count", "Message", "Traceback", "Nodes"]

    def requests_csv(self, csv_writer):
        """One row an endpoint and one for all."""
        csv_writer.writerow(self.requests_csv_columns)
        self._requests_data_rows(csv_writer)

    def failures_csv(self, csv_writer):
        """One row a kind of error."""
        csv_writer.writerow(self.failures_columns)
        self._failures_data_rows(csv_writer)

    def exceptions_csv(self, csv_writer):
        """One row a kind of exception that a task raised."""
        csv_writer.writerow(self.exceptions_columns)
        self._exceptions_data_rows(csv_writer)

    def _percentile_fields(self, entry, use_current=False):
        if not entry.num_requests:
            return self.percentiles_na
        if use_current:
            values = [entry.get_current_response_time_percentile(p) for p in self.percentiles_to_report]
            return ["N/A" if value is None else int(value) for value in values]
        return [int(entry.get_response_time_percentile(p)) for p in self.percentiles_to_report]

    def _requests_data_rows(self, csv_writer):
        stats = self.environment.stats
        for entry in [*sort_stats(stats.entries), stats.total]:
            csv_writer.writerow(
                [
                    entry.method,
                    entry.name,
                    entry.num_requests,
                    entry.num_failures,
                    entry.median_response_time,
                    entry.avg_response_time,
                    entry.min_response_time or 0,
                    entry.max_response_time,
                    entry.avg_content_length,
                    entry.total_rps,
                    entry.total_fail_per_sec,
                    *self._percentile_fields(entry),
                ]
            )

    def _failures_data_rows(self, csv_writer):
        for error in sort_stats(self.environment.stats.errors):
            csv_writer.writerow(
                [
                    error.method,
                    error.name,
                    error.parse_error(error.error),
                    error.occurrences,
                    format_utc_timestamp(error.first_seen) if error.first_seen else "",
                    format_utc_timestamp(error.last_seen) if error.last_seen else "",
                ]
            )

    def _exceptions_data_rows(self, csv_writer):
        runner = self.environment.runner
        for exception in runner.exceptions.values() if runner else ():
            csv_writer.writerow(
                [exception["count"], exception["msg"], exception["traceback"], ", ".join(sorted(exception["nodes"]))]
            )


class StatsCSVFileWriter(StatsCSV):
    """Keeps four files up to date: `_stats`, `_failures`, `_exceptions` and `_stats_history`."""

    def __init__(self, environment, percentiles_to_report, base_filepath, full_history=False):
        super().__init__(environment, percentiles_to_report)
        self.base_filepath = base_filepath
        self.full_history = full_history
        if os.path.dirname(base_filepath):
            os.makedirs(os.path.dirname(base_filepath), exist_ok=True)
        self._files = {name: self._open(name) for name in ("stats", "stats_history", "failures", "exceptions")}
        self.stats_history_csv_columns = [
            "Timestamp",
            "User Count",
            "Type",
            "Name",
            "Requests/s",
            "Failures/s",
            *get_readable_percentiles(percentiles_to_report),
            *_TOTALS,
        ]
        self._history = csv.writer(self._files["stats_history"])
        self._history.writerow(self.stats_history_csv_columns)

    def _open(self, name):
        # What a task raised may have lone surrogates in it.
        return open(f"{self.base_filepath}_{name}.csv", "w", newline="", encoding="utf-8", errors="replace")

    def stats_history_file_name(self):
        """The path of the history file."""
        return f"{self.base_filepath}_stats_history.csv"

    def __call__(self):
        """Writes until the files are closed. To be run as a greenlet."""
        self.stats_writer()

    def stats_writer(self):
        """Writes until the files are closed. To be run as a greenlet."""
        last_flush = 0
        while not self._files["stats"].closed:
            now = time.time()
            self._rewrite()
            self._stats_history_data_rows(self._history, now)
            if now - last_flush >= settings.CSV_STATS_FLUSH_INTERVAL_SEC:
                self.flush()
                last_flush = now
            gevent.sleep(settings.CSV_STATS_INTERVAL_SEC)

    def flush(self):
        """Hands everything written so far to the operating system."""
        for file in self._files.values():
            if not file.closed:
                file.flush()

    requests_flush = failures_flush = exceptions_flush = stats_history_flush = flush

    def close_files(self):
        """Writes the final numbers and closes the files."""
        if self._files["stats"].closed:
            return
        # What happened since the last tick would otherwise be missing from the files.
        self._rewrite()
        for file in self._files.values():
            file.close()

    def _rewrite(self):
        for name, write in (
            ("stats", self.requests_csv),
            ("failures", self.failures_csv),
            ("exceptions", self.exceptions_csv),
        ):
            file = self._files[name]
            file.seek(0)
            write(csv.writer(file))
            file.truncate()

    def _stats_history_data_rows(self, csv_writer, now):
        stats = self.environment.stats
        runner = self.environment.runner
        entries = [*(sort_stats(stats.entries) if self.full_history else ()), stats.total]
        for entry in entries:
            csv_writer.writerow(
                [
                    int(now),
                    runner.user_count if runner else 0,
                    entry.method or "",
                    entry.name,
                    f"{entry.current_rps:f}",
                    f"{entry.current_fail_per_sec:f}",
                    *self._percentile_fields(entry, use_current=self.full_history),
                    entry.num_requests,
                    entry.num_failures,
                    entry.median_response_time,
                    entry.avg_response_time,
                    entry.min_response_time or 0,
                    entry.max_response_time,
                    entry.avg_content_length,
                ]
            )
