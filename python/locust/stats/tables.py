"""The tables on the console, and the final statistics as JSON."""

import json
import logging
import os
import sys

import gevent

from .. import stats as settings
from .model import get_readable_percentiles, sort_stats

console_logger = logging.getLogger("locust.stats_logger")


def _fit_name_width():
    """Makes the tables as wide as the terminal, if there is one and the user did not choose otherwise."""
    if settings.STATS_AUTORESIZE and sys.stdout.isatty():
        try:
            settings.STATS_NAME_WIDTH = max(min(os.get_terminal_size().columns - 80, 80), 0)
        except OSError:
            pass


def _separator():
    return (
        "-" * settings.STATS_TYPE_WIDTH
        + "|"
        + "-" * (settings.STATS_NAME_WIDTH - settings.STATS_TYPE_WIDTH + 4)
        + "|-------|-------------|-------|-------|-------|-------|--------|-----------"
    )


def get_stats_summary(stats, current=True):
    """The table of requests, line by line, with current rates or those of the whole run."""
    width = settings.STATS_NAME_WIDTH - settings.STATS_TYPE_WIDTH + 4
    return [
        f"{'Type':<{settings.STATS_TYPE_WIDTH}} {'Name':<{width}} {'# reqs':>7} {'# fails':>12} |"
        f"{'Avg':>7} {'Min':>7} {'Max':>7}{'Med':>7} | {'req/s':>7} {'failures/s':>11}",
        _separator(),
        *(entry.to_string(current=current) for entry in sort_stats(stats.entries)),
        _separator(),
        stats.total.to_string(current=current),
    ]


def get_percentile_stats_summary(stats):
    """The table of percentiles, line by line."""
    headings = get_readable_percentiles(settings.PERCENTILES_TO_REPORT)
    columns = " ".join([f"{headings[0]:>8}", *(f"{heading:>6}" for heading in headings[1:])])
    separator = "|".join(
        [
            "-" * settings.STATS_TYPE_WIDTH,
            "-" * settings.STATS_NAME_WIDTH,
            "-" * 8,
            *["-" * 6] * (len(headings) - 1),
            "-" * 6,
        ]
    )
    lines = [
        "Response time percentiles (approximated)",
        f"{'Type':<{settings.STATS_TYPE_WIDTH}} {'Name':<{settings.STATS_NAME_WIDTH}} {columns} {'# reqs':>6}",
        separator,
        # Entries whose response times are all unknown have requests but no percentiles worth a line.
        *(entry.percentile() for entry in sort_stats(stats.entries) if entry.response_times),
        separator,
    ]
    if stats.total.response_times:
        lines.append(stats.total.percentile())
    return lines


def get_error_report_summary(stats):
    """The report of errors, line by line."""
    separator = "-" * 18 + "|" + "-" * (settings.STATS_NAME_WIDTH + 61)
    return [
        "Error report",
        f"{'# occurrences':<18} {'Error':<100}",
        separator,
        *(f"{error.occurrences:<18} {error.to_name():<100}" for error in stats.errors.values()),
        separator,
        "",
    ]


def _print(lines):
    for line in lines:
        console_logger.info(line)


def print_stats(stats, current=True):
    """Prints the table of requests."""
    _fit_name_width()
    _print([*get_stats_summary(stats, current), ""])


def print_percentile_stats(stats):
    """Prints the table of percentiles."""
    _print([*get_percentile_stats_summary(stats), ""])


def print_error_report(stats):
    """Prints the report of errors, if there were any."""
    if stats.errors:
        _print(get_error_report_summary(stats))


def summary_as_json(stats):
    """The final statistics as JSON text: one object an entry, the data that workers send. Changes nothing."""
    return json.dumps([stats.entries[key].serialize() for key in stats.entries], indent=4)


def print_stats_json(stats):
    """Prints the final statistics as JSON to standard output."""
    sys.stdout.write(summary_as_json(stats) + "\n")
    sys.stdout.flush()


def save_stats_json(stats, filename):
    """Writes the final statistics to `filename`.json."""
    with open(f"{filename}.json", "w", encoding="utf-8") as file:
        file.write(summary_as_json(stats))


def stats_printer(stats):
    """A function that prints the table every few seconds for ever. To be run as a greenlet."""

    def print_for_ever():
        while True:
            print_stats(stats)
            gevent.sleep(settings.CONSOLE_STATS_INTERVAL_SEC)

    return print_for_ever
