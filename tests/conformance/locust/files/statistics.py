# asserts: stats.total, stats.get, stats.entries, stats.errors, StatsEntry, StatsError, stats.num_requests, StatsEntry.to_dict, stats.log_request, stats.log_error, StatsEntry.get_response_time_percentile
# run: --headless --only-summary -u 1 -t 20
# parts: *: a process without users has empty statistics
"""Statistics as objects that a locustfile reads."""

from facts import fact, finish
from locust import User, events, task
from locust.stats import RequestStats, StatsEntry, StatsError, calculate_response_time_percentile, sort_stats


class MyUser(User):
    @task
    def fill(self):
        fire = self.environment.events.request.fire
        for index in range(1, 21):
            fire(request_type="A", name="x", response_time=index * 11.5, response_length=index)
        fire(request_type="B", name="y", response_time=12345.6, response_length=1, exception=ValueError("bad"))
        finish(self)


@events.test_stop.add_listener
def show(environment, **_kwargs):
    stats = environment.stats
    fact("same", [stats is environment.runner.stats, isinstance(stats, RequestStats)])
    fact("counts", [stats.num_requests, stats.num_failures, stats.total.num_requests, stats.total.fail_ratio])
    fact("keys", sorted(stats.entries))
    entry = stats.get("x", "A")
    fact("identity", [entry is stats.entries[("x", "A")], isinstance(entry, StatsEntry), entry.name, entry.method])
    fact(
        "times", [entry.min_response_time, entry.max_response_time, entry.avg_response_time, entry.median_response_time]
    )
    fact("histogram", sorted(entry.response_times.items()))
    fact("percentiles", [entry.get_response_time_percentile(p) for p in (0.0, 0.1, 0.5, 0.9, 0.99, 1.0)])
    fact("lengths", [entry.total_content_length, entry.avg_content_length])
    rates = ("current_rps", "total_rps", "current_fail_per_sec", "total_fail_per_sec")
    fact("to_dict", {key: value for key, value in entry.to_dict().items() if key not in rates})
    fact("to_dict keys", sorted(entry.to_dict()))
    error = next(iter(stats.errors.values()))
    fact("error", [error.method, error.name, error.occurrences, isinstance(error, StatsError), error.to_name()])
    fact("error key", list(stats.errors) == [StatsError.create_key("B", "y", error.error)])
    fact("sorted", [each.name for each in sort_stats(stats.entries)])
    fact(
        "unknown",
        [
            stats.get("z", "Z").num_requests,
            stats.get("z", "Z").min_response_time,
            stats.get("z", "Z").median_response_time,
        ],
    )
    fact("function", calculate_response_time_percentile({10: 1, 20: 1, 30: 1, 40: 1}, 4, 0.5))
    mine = RequestStats()
    mine.log_request("M", "n", 5, 6)
    mine.log_error("M", "n", "text")
    fact("own", [mine.total.num_requests, mine.num_failures, [each.error for each in mine.errors.values()]])
    mine.reset_all()
    fact("reset", [mine.num_requests, sorted(mine.entries), len(mine.errors)])
    mine.clear_all()
    fact("cleared", [mine.num_requests, sorted(mine.entries), len(mine.errors)])
