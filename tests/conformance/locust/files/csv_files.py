# asserts: --csv, stats.StatsCSVFileWriter
# run: --headless --only-summary -u 1 -t 20 --csv out/run
# output: columns out/run_stats.csv
# output: columns out/run_stats_history.csv
# output: columns out/run_failures.csv
# output: columns out/run_exceptions.csv
# output: rows out/run_stats.csv
# output: rows out/run_stats_history.csv
# differs: rows out/run_stats.csv: the files of the oracle are up to a second behind the end of the run
"""The four CSV files."""

import gevent
from facts import finish
from locust import HttpUser, SequentialTaskSet, task


class Steps(SequentialTaskSet):
    @task
    def requests(self):
        self.client.get("/hello")
        self.client.post("/status/500", name="fails, with a comma")
        gevent.sleep(2.5)

    @task
    def error(self):
        raise ValueError("in a task")

    @task
    def end(self):
        self.client.get("/hello", name="just before the end")
        finish(self.user)


class MyUser(HttpUser):
    tasks = [Steps]
