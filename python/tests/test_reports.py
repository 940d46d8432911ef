"""What workers report and a master merges: nothing is lost in between, and nothing counted half."""

import json
import unittest

from locust.stats import RequestStats


class Reports(unittest.TestCase):
    def test_merged_reports_are_as_exact_as_one_process(self):
        whole, merged = RequestStats(), RequestStats()
        for worker in range(3):
            part = RequestStats(use_response_times_cache=False)
            for number in range(700):
                milliseconds = 1000 + number * 7 + worker / 3
                part.log_request("GET", "/a", milliseconds, 10)
                whole.log_request("GET", "/a", milliseconds, 10)
            report, fine = part.take_report()
            self.assertEqual(part.total.num_requests, 0)
            merged.merge(report, fine)
        for share in (0.5, 0.9, 0.99, 1.0):
            exact, ours = (stats.get("/a", "GET").get_fine_percentile(share) for stats in (whole, merged))
            self.assertAlmostEqual(exact, ours, delta=exact * 0.001)
        self.assertEqual(merged.total.response_times, whole.total.response_times)

    def test_a_report_of_locusts_own_worker_has_rounded_percentiles(self):
        part, merged = RequestStats(use_response_times_cache=False), RequestStats()
        part.log_request("GET", "/a", 1234, 10)
        report, _fine = part.take_report()
        merged.merge(report)
        self.assertEqual(merged.get("/a", "GET").get_fine_percentile(0.5), 1200)

    def test_a_report_that_makes_no_sense_counts_as_a_whole_or_not_at_all(self):
        part, merged = RequestStats(use_response_times_cache=False), RequestStats()
        part.log_request("GET", "/a", 10, 10)
        part.log_request("GET", "/b", 10, 10)
        report = json.loads(json.dumps({"stats": part.serialize_stats()}))
        report["stats"][1]["num_requests"] = -1
        report.update(stats_total=part.total.serialize(), errors={})
        with self.assertRaises((OverflowError, TypeError, ValueError)):
            merged.merge(report)
        self.assertEqual(merged.total.num_requests, 0)
        self.assertEqual(merged.entries, {})


if __name__ == "__main__":
    unittest.main()
