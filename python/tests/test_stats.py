"""Statistics: Locust's rounding and percentiles, error keys, and what is said as text."""

import json
import tempfile
import unittest
from unittest import mock

import gevent
from locust import stats
from locust.env import Environment
from locust.stats import RequestStats, StatsEntry, StatsError


class Vectors(unittest.TestCase):
    def test_response_times_are_rounded_to_two_digits(self):
        for time, bucket in {
            0.5: 0, 0.51: 1, 1.5: 2, 2.5: 2, 3.5: 4, 99.4: 99, 99.5: 100, 104.9: 100, 105: 100, 115: 120, 125: 120, 147: 150,
            994.9: 990, 995: 1000, 1049: 1000, 1050: 1000, 1150: 1200, 1250: 1200, 3432: 3400, 9949: 9900, 9950: 10000,
            10499: 10000, 10500: 10000, 11500: 12000, 58760: 59000, 123456: 123000,
        }.items():  # fmt: skip
            self.assertEqual(stats.bucket_response_time(time), bucket, time)

    def test_percentiles_walk_from_the_top(self):
        even = {10: 1, 20: 1, 30: 1, 40: 1}
        for p, expected in {0: 10, 0.25: 20, 0.5: 30, 0.66: 30, 0.75: 40, 1: 40}.items():
            self.assertEqual(stats.calculate_response_time_percentile(even, 4, p), expected, p)
        skewed = {1: 50, 2: 30, 10: 15, 100: 4, 1000: 1}
        for p, expected in {
            0.5: 2,
            0.66: 2,
            0.75: 2,
            0.8: 10,
            0.9: 10,
            0.95: 100,
            0.98: 100,
            0.99: 1000,
            1: 1000,
        }.items():
            self.assertEqual(stats.calculate_response_time_percentile(skewed, 100, p), expected, p)

    def test_errors_are_known_by_the_hash_of_method_name_and_text(self):
        self.assertEqual(
            StatsError.create_key("GET", "/a", "boom"),
            "0863377655f1d1930686f0d059ee852b2e9b29b6e43b62bcf301f56d1e5785e3",
        )
        self.assertEqual(
            StatsError.create_key("GET", "/a", ValueError("boom")),
            "35123075875c8e71fb72150bae57a9845da884d42af63aa43919e06971cbdf79",
        )

    def test_readable_percentiles(self):
        self.assertEqual(
            stats.get_readable_percentiles(stats.PERCENTILES_TO_REPORT),
            ["50%", "66%", "75%", "80%", "90%", "95%", "98%", "99%", "99.9%", "99.99%", "100%"],
        )


class Entries(unittest.TestCase):
    def setUp(self):
        self.stats = RequestStats()

    def test_a_failed_request_is_a_request_and_a_failure(self):
        self.stats.log_request("GET", "/a", 10, 5)
        self.stats.log_error("GET", "/a", "x")
        entry = self.stats.get("/a", "GET")
        self.assertEqual((entry.num_requests, entry.num_failures, entry.fail_ratio), (1, 1, 1.0))
        self.assertEqual(entry.total_response_time, 10)

    def test_a_request_without_a_time_is_counted_and_left_out_of_the_times(self):
        self.stats.log_request("GET", "/a", None, 5)
        self.stats.log_request("GET", "/a", 7, 5)
        entry = self.stats.get("/a", "GET")
        self.assertEqual((entry.num_requests, entry.num_none_requests, entry.avg_response_time), (2, 1, 7.0))

    def test_the_median_stays_between_minimum_and_maximum(self):
        self.stats.log_request("GET", "/a", 147, 0)
        self.assertEqual(self.stats.total.get_response_time_percentile(0.5), 150)
        self.assertEqual(self.stats.total.median_response_time, 147)

    def test_the_aggregate_counts_every_request(self):
        for name in "ab":
            self.stats.log_request("GET", name, 1, 0)
        self.assertEqual(
            (self.stats.total.name, self.stats.total.method, self.stats.num_requests), ("Aggregated", "", 2)
        )

    def test_serialised_entries_have_locusts_keys_in_its_order(self):
        self.stats.log_request("GET", "/a", 12, 3)
        self.assertEqual(
            list(self.stats.get("/a", "GET").serialize()),
            ["name", "method", "last_request_timestamp", "start_time", "num_requests", "num_none_requests", "num_failures",
             "total_response_time", "max_response_time", "min_response_time", "total_content_length", "response_times",
             "num_reqs_per_sec", "num_fail_per_sec"],
        )  # fmt: skip

    def test_an_entry_survives_serialising(self):
        for time in (3, 4, 1500):
            self.stats.log_request("GET", "/a", time, 3)
        entry = self.stats.get("/a", "GET")
        copy = StatsEntry.unserialize(entry.serialize(), self.stats)
        self.assertEqual(copy.serialize(), entry.serialize())

    def test_the_json_summary_changes_nothing(self):
        # In Locust 2.47 serialising resets the entries, so that the console's summary after it is zero.
        self.stats.log_request("GET", "/a", 12, 3)
        first = json.loads(stats.summary_as_json(self.stats))
        self.assertEqual(first, json.loads(stats.summary_as_json(self.stats)))
        self.assertEqual(first[0]["num_requests"], 1)

    def test_a_workers_report_starts_over(self):
        self.stats.log_request("GET", "/a", 12, 3)
        self.assertEqual(len(self.stats.serialize_stats()), 1)
        self.assertEqual(self.stats.serialize_stats(), [])

    def test_reports_of_workers_add_up(self):
        workers = [RequestStats(use_response_times_cache=False) for _ in range(2)]
        for number, worker in enumerate(workers):
            for time in (10, 20, 30 + number * 1000):
                worker.log_request("GET", "/a", time, 4)
            worker.log_error("GET", "/a", ValueError("same"))
            worker.log_error("GET", "/a", f"of worker {number}")
            report = {
                "stats": worker.serialize_stats(),
                "stats_total": worker.total.get_stripped_report(),
                "errors": worker.serialize_errors(),
            }
            self.stats.merge(json.loads(json.dumps(report), object_hook=_numbers))
        entry = self.stats.get("/a", "GET")
        self.assertEqual((entry.num_requests, entry.num_failures, entry.max_response_time), (6, 4, 1030))
        self.assertEqual(self.stats.total.response_times, {10: 2, 20: 2, 30: 1, 1000: 1})
        counts = {error.to_name(): error.occurrences for error in self.stats.errors.values()}
        self.assertEqual(counts, {"GET /a: ValueError('same')": 2, "GET /a: of worker 0": 1, "GET /a: of worker 1": 1})
        self.assertTrue(self.stats.total.response_times_cache, "current percentiles come from the cache")
        self.stats.reset_all()
        self.assertEqual((self.stats.errors, self.stats.num_requests), ({}, 0))

    def test_resetting_keeps_the_entries_and_clearing_does_not(self):
        self.stats.log_request("GET", "/a", 12, 3)
        self.stats.reset_all()
        self.assertEqual([(key, entry.num_requests) for key, entry in self.stats.entries.items()], [(("/a", "GET"), 0)])
        self.stats.clear_all()
        self.assertEqual(self.stats.entries, {})

    def test_entries_for_the_page_have_locusts_keys(self):
        self.assertEqual(
            list(self.stats.total.to_dict()),
            ["method", "name", "num_requests", "num_failures", "min_response_time", "max_response_time", "current_rps",
             "current_fail_per_sec", "avg_response_time", "median_response_time", "total_rps", "total_fail_per_sec",
             "response_time_percentile_0.95", "response_time_percentile_0.99", "avg_content_length"],
        )  # fmt: skip


def _numbers(found):
    """JSON has no numbers as keys; the histograms do."""
    return {int(key) if key.isdigit() else key: value for key, value in found.items()}


class Tables(unittest.TestCase):
    def test_rows_have_locusts_columns(self):
        entries = RequestStats()
        for time in (0.4, 3, 152.7):
            entries.log_request("GET", "/custom", time, 1)
        entries.log_error("GET", "/custom", ValueError("x"))
        heading, separator, row, *_ = stats.get_stats_summary(entries)
        self.assertEqual(len(heading), len(separator))
        self.assertTrue(row.startswith("GET      /custom" + " " * 70))
        self.assertIn("       3    1(33.33%) |     52       0     152", row)

    def test_the_error_report_shows_what_a_script_said(self):
        from locust.exception import CatchResponseError

        entries = RequestStats()
        entries.log_error("GET", "/a", CatchResponseError("nope"))
        entries.log_error("GET", "/b", ValueError("bad"))
        lines = [line.rstrip() for line in stats.get_error_report_summary(entries)]
        self.assertIn("1                  GET /a: nope", lines)
        self.assertIn("1                  GET /b: ValueError('bad')", lines)

    def test_an_entry_says_its_line_and_seconds_without_requests_are_zero(self):
        entries = RequestStats()
        entries.log_request("GET", "/a", 12, 3)
        entry = entries.get("/a", "GET")
        self.assertEqual(str(entry), entry.to_string())
        for counts in (entry.num_reqs_per_sec, entry.num_fail_per_sec):
            self.assertEqual((counts[5], isinstance(counts, dict)), (0, True))

    def test_writing_csv_files_ends_when_they_are_closed(self):
        with tempfile.TemporaryDirectory() as folder, mock.patch.object(stats, "CSV_STATS_INTERVAL_SEC", 0.001):
            files = stats.StatsCSVFileWriter(Environment(), [0.5], f"{folder}/run")
            writing = gevent.spawn(files.stats_writer)
            gevent.sleep(0.01)
            files.close_files()
            writing.join(10)
            self.assertTrue(writing.successful())


if __name__ == "__main__":
    unittest.main()
