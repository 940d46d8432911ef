# asserts: exit codes, Environment.process_exit_code, --exit-code-on-error, stats.total, stats.errors, runner.errors
# run: --headless --only-summary -u 1 -t 20
# run failing: --headless --only-summary -u 1 -t 20
# env failing: HOW=fail
# run chosen: --headless --only-summary -u 1 -t 20 --exit-code-on-error 0
# env chosen: HOW=fail
# run variable: --headless --only-summary -u 1 -t 20
# env variable: HOW=fail
# env variable: LOCUST_EXIT_CODE_ON_ERROR=5
# run own: --headless --only-summary -u 1 -t 20
# env own: HOW=own
# run threshold: --headless --only-summary -u 1 -t 20
# env threshold: HOW=threshold
# parts: errors: each process looks at its own statistics
# parts: ratio: the same
# alone own: the task sets the exit code of its own process, which is a worker
"""What the process ends with."""

import os

from facts import fact, finish
from locust import HttpUser, events, task

how = os.environ.get("HOW", "well")


class MyUser(HttpUser):
    @task
    def once(self):
        self.client.get("/hello")
        if how in ("fail", "own"):
            self.client.get("/status/500", name="fails")
        if how == "own":
            self.environment.process_exit_code = 42
        finish(self)


@events.quitting.add_listener
def judge(environment, **_kwargs):
    total = environment.stats.total
    fact("ratio", round(total.fail_ratio, 3))
    fact("errors", [len(environment.stats.errors), environment.runner.errors == environment.stats.errors])
    if how == "threshold" and total.fail_ratio < 0.5 and total.get_response_time_percentile(0.95) < 60_000:
        environment.process_exit_code = 3
