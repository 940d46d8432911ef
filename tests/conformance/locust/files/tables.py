# asserts: console tables, stats.print_stats, stats.get_stats_summary, stats.get_percentile_stats_summary, stats.get_error_report_summary
# run: --headless --only-summary -u 1 -t 20
# output: tables
# alone: errors come from workers as they are represented, and rows of a second without reports are others
"""The tables at the end."""

from facts import fact, finish
from locust import HttpUser, events, task
from locust.exception import CatchResponseError
from locust.stats import get_error_report_summary, get_percentile_stats_summary, get_stats_summary


class MyUser(HttpUser):
    @task
    def requests(self):
        fire = self.environment.events.request.fire
        for milliseconds in range(100):
            fire(request_type="T", name="timed", response_time=milliseconds * 7, response_length=3, exception=None)
        fire(request_type="T", name="timed", response_time=5000.4, response_length=3, exception=ValueError("slow"))
        fire(
            request_type="", name="n" * 90, response_time=1, response_length=0, exception=CatchResponseError("said so")
        )
        fire(request_type="T", name="no time", response_time=None, response_length=0)
        self.client.get("/status/404", name="/missing")
        finish(self)


@events.test_stop.add_listener
def summaries(environment, **_kwargs):
    stats = environment.stats
    fact(
        "percentiles",
        [line for line in get_percentile_stats_summary(stats) if "Aggregated" not in line and "missing" not in line],
    )
    fact("errors", get_error_report_summary(stats))
    fact("headings", get_stats_summary(stats)[:2])
    fact("timed", [line.split("|")[:2] for line in get_stats_summary(stats, current=False) if "timed" in line])
