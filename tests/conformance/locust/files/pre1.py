# asserts: HttpLocust, Locust, task_set, min_wait and max_wait, --no-web, -c, --hatch-rate, events.hatch_complete, events.request_success, TaskSet.locust
# run: --no-web -c 2 --hatch-rate 2 -t 2
# throng-only: the oracle refuses locustfiles from before version 1.0
# unordered: request
# output: stderr deprecated
"""A locustfile from before version 1.0 runs, and says once what each old name is called today."""

from facts import fact
from locust import HttpLocust, TaskSet, events, task


class Behaviour(TaskSet):
    def on_start(self):
        fact("locust", self.locust is self.user)

    @task(1)
    def hello(self):
        self.client.get("/hello")
        self.client.get("/status/404")


class WebsiteUser(HttpLocust):
    task_set = Behaviour
    min_wait = 60000
    max_wait = 90000


def success(request_type, name, response_time, response_length):
    fact("request", ["success", request_type, name])


def failure(request_type, name, response_time, exception):
    fact("request", ["failure", request_type, name])


events.request_success += success
events.request_failure += failure
events.hatch_complete += lambda user_count: fact("hatched", user_count)
events.quitting += lambda: fact("quitting")
