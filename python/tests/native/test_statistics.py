"""Statistics as the native objects show them, with Locust's vectors."""

import unittest

from locust import _core


class Entry(_core.StatsEntry):
    """Stands for the package's class."""


class Error(_core.StatsError):
    """Stands for the package's class."""


class Statistics(unittest.TestCase):
    def setUp(self):
        self.stats = _core.Stats()
        self.stats._configure(entry_class=Entry, error_class=Error)

    def test_requests_are_counted_in_their_entry_and_in_the_total(self):
        self.stats.log_request("GET", "/a", 10.4, 5)
        self.stats.log_request("GET", "/a", None, 7)
        self.stats.log_error("GET", "/a", "boom")
        entry = self.stats.get("/a", "GET")
        for counted in (entry, self.stats.total):
            self.assertEqual((counted.num_requests, counted.num_none_requests, counted.num_failures), (2, 1, 1))
            self.assertEqual((counted.response_times, counted.total_content_length), ({10: 1}, 12))
        self.assertEqual((entry.min_response_time, entry.avg_response_time), (10.4, 10.4))

    def test_objects_are_of_the_given_classes_and_stay_the_same(self):
        self.stats.log_error("GET", "/a", ValueError("boom"))
        entry = self.stats.get("/a", "GET")
        self.assertIs(type(entry), Entry)
        self.assertIs(entry, self.stats.entries[("/a", "GET")])
        self.assertIs(self.stats.total, self.stats.total)
        (key, error), = self.stats.errors.items()
        self.assertIs(type(error), Error)
        # The identity that Locust 2.47 computes.
        self.assertEqual(key, "35123075875c8e71fb72150bae57a9845da884d42af63aa43919e06971cbdf79")
        self.assertEqual(Error.create_key("GET", "/a", "boom")[:8], "08633776")

    def test_addresses_do_not_tell_errors_apart(self):
        class Odd(Exception):
            def __repr__(self):
                return object.__repr__(self)

        self.stats.log_error("GET", "/a", Odd())
        self.stats.log_error("GET", "/a", Odd())
        self.assertEqual([error.occurrences for error in self.stats.errors.values()], [2])

    def test_reset_keeps_entries_and_clear_removes_them(self):
        self.stats.log_request("GET", "/a", 1, 1)
        self.stats.log_error("GET", "/a", "e")
        entry = self.stats.get("/a", "GET")
        self.stats.reset_all()
        self.assertEqual((entry.num_requests, list(self.stats.entries), self.stats.errors), (0, [("/a", "GET")], {}))
        self.stats.clear_all()
        self.assertEqual((self.stats.entries, self.stats.num_requests), ({}, 0))

    def test_counts_can_be_set(self):
        entry = Entry(self.stats, "n", "GET")
        entry.num_requests = 4
        entry.response_times = {10: 1, 20: 1, 30: 1, 40: 1}
        entry.num_reqs_per_sec = {5: 2}
        self.assertEqual([entry.get_response_time_percentile(p) for p in (0.0, 0.5, 0.75, 1.0)], [10, 30, 40, 40])
        self.assertEqual(entry.num_reqs_per_sec, {5: 2})
        self.assertEqual(self.stats.num_requests, 0)

    def test_entries_add_up(self):
        a, b = Entry(None, "a", "GET"), Entry(None, "b", "GET")
        a.log(10, 1)
        b.log(30, 1)
        b.log_error("e")
        a.extend(b)
        self.assertEqual((a.num_requests, a.num_failures, a.max_response_time), (2, 1, 30))
        self.assertEqual(a.response_times, {10: 1, 30: 1})

    def test_the_rounding_can_be_replaced(self):
        _core.set_bucketing(lambda ms: 7)
        try:
            self.stats.log_request("GET", "/a", 1234, 0)
        finally:
            _core.set_bucketing(None)
        self.stats.log_request("GET", "/a", 1234, 0)
        self.assertEqual(self.stats.total.response_times, {7: 1, 1200: 1})

    def test_current_percentiles_are_about_the_last_ten_seconds(self):
        entry = self.stats.total
        self.assertIsNone(entry.get_current_response_time_percentile(0.5))
        self.stats.log_request("GET", "/a", 1000, 0)
        import time

        entry._cache_response_times(int(time.time()) - 10)
        self.stats.log_request("GET", "/a", 10, 0)
        self.assertEqual(entry.get_current_response_time_percentile(0.5), 10)
        with self.assertRaises(ValueError):
            Entry(None, "x", "GET").get_current_response_time_percentile(0.5)

    def test_errors_that_are_all_different_are_bounded(self):
        for number in range(10_050):
            self.stats.log_error("GET", "/a", f"error {number}")
        errors = self.stats.errors
        self.assertEqual(len(errors), 10_001)
        self.assertEqual([e.occurrences for e in errors.values() if "other errors" in str(e.error)], [50])
        self.assertEqual(self.stats.num_failures, 10_050)

    def test_names_that_are_all_different_are_bounded_and_the_user_is_told_once(self):
        with self.assertLogs("locust.stats", "WARNING") as said:
            for number in range(10_050):
                self.stats.log_request("GET", f"/item/{number}", 1, 0)
            self.stats.log_error("GET", "/item/10049", "boom")
        self.assertEqual((len(said.output), len(self.stats.entries)), (1, 10_001))
        other = self.stats.entries[("other", "")]
        self.assertEqual((other.num_requests, other.num_failures), (50, 1))
        self.assertEqual(self.stats.num_requests, 10_050)

    def test_numbers_are_rounded_as_locust_does(self):
        self.assertEqual([_core.bucket_response_time(ms) for ms in (0.5, 147, 3432, 58760)], [0, 150, 3400, 59000])
        self.assertEqual(_core.proper_round(2.675, 2), 2.68)
        self.assertEqual(_core.percentile({1: 50, 2: 30, 10: 15, 100: 4, 1000: 1}, 100, 0.95), 100)
