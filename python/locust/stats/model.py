"""The statistics of a run, of one endpoint, and of one kind of error, as objects that locustfiles read and change."""

import sys
import time

from .. import _core
from .. import stats as settings
from ..exception import CatchResponseError
from ..util.rounding import proper_round


class RequestStatsAdditionError(Exception):
    """Two entries that do not belong together were to be added."""


def calculate_response_time_percentile(response_times, num_requests, percent):
    """The response time, in rounded ms, that the fraction `percent` of the requests did not exceed."""
    return _core.percentile(response_times, num_requests, percent)


def diff_response_time_dicts(latest, old):
    """What `latest` counts beyond `old`."""
    grown = {time: count - old.get(time, 0) for time, count in latest.items()}
    return {time: count for time, count in grown.items() if count}


def get_readable_percentiles(percentile_list):
    """Headings such as `50%` and `99.9%`."""
    return [f"{int(p * 100) if (p * 100).is_integer() else round(100 * p, 6)}%" for p in map(float, percentile_list)]


def sort_stats(stats):
    """The values of a dict of entries or errors, in the order of its keys."""
    return [stats[key] for key in sorted(stats)]


def apply_bucketing():
    """Tells Rust of a replaced `locust.stats.bucket_response_time`. Called when a test starts."""
    replaced = settings.bucket_response_time is not _core.bucket_response_time
    _core.set_bucketing(settings.bucket_response_time if replaced else None)


def validate_stats_configuration():
    """Ends the program if a locustfile set percentiles that cannot be shown."""
    for name in ("PERCENTILES_TO_CHART", "PERCENTILES_TO_STATISTICS"):
        for value in getattr(settings, name):
            if not isinstance(value, (int, float)) or not 0 < value < 1:
                sys.stderr.write(f"locust.stats.{name} must contain numbers between 0 and 1, not {value!r}\n")
                sys.exit(1)
    if len(settings.PERCENTILES_TO_CHART) > 6:
        sys.stderr.write("locust.stats.PERCENTILES_TO_CHART can have at most 6 entries\n")
        sys.exit(1)


class StatsEntry(_core.StatsEntry):
    """What was measured of one endpoint, (name, method), or of all together."""

    @property
    def median_response_time(self):
        """The median in ms: a rounded value, or the exact minimum or maximum where rounding left the range."""
        median = super().median_response_time
        rounded = self.get_response_time_percentile(0.5)
        return rounded if median == rounded else median

    @property
    def avg_content_length(self):
        """The mean length of a response in bytes."""
        return super().avg_content_length if self.num_requests else 0

    def __str__(self):
        return self.to_string()

    def to_string(self, current=True):
        """The entry's line in the console's table, with current rates or those of the whole run."""
        rps = self.current_rps if current else self.total_rps
        fails = self.current_fail_per_sec if current else self.total_fail_per_sec
        failures = f"{self.num_failures}({self.fail_ratio * 100:.2f}%)"
        type_width = settings.STATS_TYPE_WIDTH
        return (
            f"{self.method or '':<{type_width}} {self.name:<{settings.STATS_NAME_WIDTH - type_width + 4}} "
            f"{self.num_requests:>7} {failures:>12} |"
            f"{int(self.avg_response_time):>7} {int(self.min_response_time or 0):>7} {int(self.max_response_time):>7}"
            f"{int(self.median_response_time or 0):>7} | {rps:>7.2f} {fails:>11.2f}"
        )

    def percentile(self):
        """The entry's line in the table of percentiles."""
        if not self.num_requests:
            raise ValueError("an entry without requests has no percentiles")
        first, *others = (int(self.get_response_time_percentile(p)) for p in settings.PERCENTILES_TO_REPORT)
        columns = " ".join([f"{first:>8}", *(f"{value:>6}" for value in others)])
        return (
            f"{self.method or '':<{settings.STATS_TYPE_WIDTH}} {self.name:<{settings.STATS_NAME_WIDTH}} "
            f"{columns} {self.num_requests:>6}"
        )

    def to_dict(self, escape_string_values=False):
        """The entry as the web page's `/stats/requests` has it."""
        return {
            "method": self.method or "",
            "name": _escape(self.name) if escape_string_values else self.name,
            "num_requests": self.num_requests,
            "num_failures": self.num_failures,
            "min_response_time": 0 if self.min_response_time is None else proper_round(self.min_response_time),
            "max_response_time": proper_round(self.max_response_time),
            "current_rps": self.current_rps,
            "current_fail_per_sec": self.current_fail_per_sec,
            "avg_response_time": self.avg_response_time,
            "median_response_time": self.median_response_time,
            "total_rps": self.total_rps,
            "total_fail_per_sec": self.total_fail_per_sec,
            **{
                f"response_time_percentile_{p}": self.get_response_time_percentile(p)
                for p in settings.PERCENTILES_TO_STATISTICS
            },
            "avg_content_length": self.avg_content_length,
        }

    def serialize(self):
        """The entry's data in the form that workers send and `--json` prints."""
        return {
            "name": self.name,
            "method": self.method,
            "last_request_timestamp": self.last_request_timestamp,
            "start_time": self.start_time,
            "num_requests": self.num_requests,
            "num_none_requests": self.num_none_requests,
            "num_failures": self.num_failures,
            "total_response_time": self.total_response_time,
            "max_response_time": self.max_response_time,
            "min_response_time": self.min_response_time,
            "total_content_length": self.total_content_length,
            "response_times": self.response_times,
            "num_reqs_per_sec": self.num_reqs_per_sec,
            "num_fail_per_sec": self.num_fail_per_sec,
        }

    @classmethod
    def unserialize(cls, data, stats):
        """The entry that `serialize` described, standing alone."""
        entry = cls(stats, data["name"], data["method"])
        for key, value in data.items():
            if key not in ("name", "method"):
                setattr(entry, key, value)
        return entry

    def get_stripped_report(self):
        """`serialize`, and then starts over from zero: what a worker sends is what came since its last report."""
        report = self.serialize()
        self.reset()
        return report


class StatsError(_core.StatsError):
    """One kind of error: its request, its text, and how often it occurred."""

    def to_name(self):
        """The error's line in the console's report."""
        error = self.error
        if isinstance(error, CatchResponseError):
            # What the script said, without the wrapping that it did not write.
            text = str(error)
        elif isinstance(error, str):
            text = error[len("CatchResponseError(") : -1] if error.startswith("CatchResponseError(") else error
        else:
            text = self.parse_error(error)
        return f"{self.method} {self.name}: {text}"

    def serialize(self):
        """The error as workers send it."""
        error = self.to_dict()
        return {"name": error.pop("name"), **error}

    @classmethod
    def unserialize(cls, data):
        """The error that `serialize` described."""
        return cls(
            data["method"],
            data["name"],
            data["error"],
            data["occurrences"],
            data.get("first_seen"),
            data.get("last_seen"),
        )

    def to_dict(self, escape_string_values=False):
        """The error as the web page has it."""
        text = self.parse_error(self.error)
        return {
            "method": self.method,
            "name": _escape(self.name) if escape_string_values else self.name,
            "error": _escape(text) if escape_string_values else text,
            "occurrences": self.occurrences,
            "first_seen": self.first_seen,
            "last_seen": self.last_seen,
        }


class RequestStats(_core.Stats):
    """All entries and errors of a run, and `total`, the entry that counts every request."""

    def __init__(self, use_response_times_cache=True):
        self._configure(
            use_response_times_cache=use_response_times_cache, entry_class=StatsEntry, error_class=StatsError
        )
        # The points of the charts.
        self.history = []
        # Errors that workers reported, by key.
        self._reported = {}

    @property
    def errors(self):
        """All errors by key: those of this process and those that workers reported."""
        return {**super().errors, **self._reported} if self._reported else super().errors

    def clear_all(self):
        """Forgets everything, for a new test."""
        super().clear_all()
        self.history = []
        self._reported = {}

    def reset_all(self):
        """Sets all entries to zero and forgets the errors."""
        super().reset_all()
        self._reported = {}

    def take_report(self):
        """What came since the last call, as workers send it, and the fine part of it; the counts start over.

        The fine part is the distribution of each entry's response times within 0.05 %, so that a master of ours has them as
        exactly as if all users had run in one process. Locust's masters do not know it.
        """
        entries = [entry for entry in self.entries.values() if entry.num_requests or entry.num_failures]
        fine = {"entries": [[entry.name, entry.method, entry.pack_fine()] for entry in entries]}
        fine["total"] = self.total.pack_fine()
        report = {
            "stats": [entry.get_stripped_report() for entry in entries],
            "stats_total": self.total.get_stripped_report(),
            "errors": self.serialize_errors(),
        }
        self.clear_errors()
        return report, fine

    def merge(self, report, fine=None):
        """Adds what a worker reported: its `stats`, `stats_total` and `errors`, and the fine part if there is one."""
        fine = fine or {}
        by_entry = {(name, method): packed for name, method, packed in fine.get("entries", ())}
        # All are read before the first is counted: a report counts as a whole or not at all.
        entries = [StatsEntry.unserialize(data, self) for data in report["stats"]]
        total = StatsEntry.unserialize(report["stats_total"], self)
        for entry in entries:
            entry.unpack_fine(by_entry.get((entry.name, entry.method)))
        total.unpack_fine(fine.get("total"))
        for entry in entries:
            self.get(entry.name, entry.method or "").extend(entry)
        self.total.extend(total)
        if self.total.use_response_times_cache:
            # Requests of this process do this themselves; the page's current percentiles need it.
            self.total._cache_response_times(int(time.time()))
        for key, data in report["errors"].items():
            known = self._reported.get(key)
            if known is None:
                self._reported[key] = StatsError.unserialize(data)
                continue
            known.occurrences += data["occurrences"]
            seen = [at for at in (known.first_seen, data["first_seen"]) if at]
            known.first_seen = min(seen, default=None)
            known.last_seen = max((at for at in (known.last_seen, data["last_seen"]) if at), default=None)

    def serialize_stats(self):
        """What came since the last call: reports of the entries that had requests or failures, which start over."""
        return [
            entry.get_stripped_report() for entry in self.entries.values() if entry.num_requests or entry.num_failures
        ]

    def serialize_errors(self):
        """All errors by key, in the form that workers send."""
        return {key: error.serialize() for key, error in self.errors.items()}


def _escape(text):
    from html import escape

    return escape(str(text))
