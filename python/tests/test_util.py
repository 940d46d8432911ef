"""Durations, rounding and dates."""

import unittest

from locust.util.date import format_duration, format_utc_timestamp
from locust.util.rounding import proper_round
from locust.util.timespan import parse_timespan


class Timespans(unittest.TestCase):
    def test_what_is_understood(self):
        for text, seconds in {
            "20": 20,
            "20s": 20,
            "3m": 180,
            "2h": 7200,
            "1h20m": 4800,
            "3h30m10s": 12610,
            "90m": 5400,
            "0s": 0,
        }.items():
            self.assertEqual(parse_timespan(text), seconds, text)

    def test_what_is_refused(self):
        for text in ("", "1.5h", "1d", "10 s", " 10 ", "-1", "1h1h", "10s5m", "h"):
            with self.assertRaises(ValueError, msg=text):
                parse_timespan(text)


class Rounding(unittest.TestCase):
    def test_halves_go_up(self):
        for value, digits, expected in (
            (13.005, 2, 13.01),
            (2.675, 2, 2.68),
            (0.5, 0, 1),
            (2.5, 0, 3),
            (10.976, 0, 11),
        ):
            self.assertEqual(proper_round(value, digits), expected)


class Dates(unittest.TestCase):
    def test_durations_in_words(self):
        for seconds, text in {
            0: "0 seconds",
            1: "1 second",
            61: "1 minute and 1 second",
            3600: "1 hour",
            3723: "1 hour, 2 minutes and 3 seconds",
            90061: "1 day, 1 hour, 1 minute and 1 second",
        }.items():
            self.assertEqual(format_duration(0, seconds), text)

    def test_times_are_utc(self):
        self.assertEqual(format_utc_timestamp(1.9), "1970-01-01T00:00:01Z")


if __name__ == "__main__":
    unittest.main()
