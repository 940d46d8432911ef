"""The HTML report and its charts."""

import re
import unittest

from locust import User, task
from locust._chart import _round_up, line_chart
from locust.env import Environment
from locust.html import get_html_report
from locust.stats import update_stats_history


class Mine(User):
    @task
    def work(self):
        pass


class Report(unittest.TestCase):
    def test_everything_that_was_measured_is_in_it(self):
        environment = Environment(user_classes=[Mine], locustfile="mine.py", host="http://x", profile="nightly")
        runner = environment.create_local_runner()
        self.addCleanup(runner.quit)
        for milliseconds in (10, 20, 900):
            environment.stats.log_request("GET", "/a", milliseconds, 7)
        environment.stats.log_error("GET", "/a", ValueError("<bad>"))
        for _ in range(3):
            update_stats_history(runner)
        report = get_html_report(environment)
        for text in (
            "mine.py",
            "http://x",
            "nightly",
            "ValueError(&#x27;&lt;bad&gt;&#x27;)",
            "310.00",
            "100.0 %",
            "<svg",
        ):
            self.assertIn(text, report)
        self.assertEqual(len(re.findall("<figure>", report)), 3)
        self.assertNotRegex(report, r'(src|href)="http', "nothing comes from elsewhere")

    def test_a_run_without_requests_has_a_report(self):
        self.assertIn("Aggregated", get_html_report(Environment(user_classes=[Mine])))


class Charts(unittest.TestCase):
    def test_scales_end_well(self):
        for value, end in ((0, 1), (0.3, 0.5), (1, 1), (3, 5), (49, 50), (51, 100), (1234, 2000)):
            self.assertAlmostEqual(_round_up(value), end)

    def test_long_runs_are_thinned(self):
        points = line_chart("Users", [str(n) for n in range(5000)], {"users": list(range(5000))})
        self.assertLess(points.count(","), 1000)


if __name__ == "__main__":
    unittest.main()
