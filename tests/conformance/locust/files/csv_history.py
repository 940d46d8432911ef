# asserts: --csv-full-history
# run: --headless --only-summary -u 1 -t 20 --csv run --csv-full-history
# output: columns run_stats_history.csv
# output: rows run_stats_history.csv
# alone: workers report every three seconds, and the run is over before
"""The history of every endpoint."""

import gevent
from facts import finish
from locust import HttpUser, task


class MyUser(HttpUser):
    @task
    def requests(self):
        self.client.get("/hello")
        self.client.get("/json")
        gevent.sleep(2.5)
        finish(self)
