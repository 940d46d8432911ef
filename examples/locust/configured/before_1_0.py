"""`locustfile.py` as it was written before version 1.0: old names, waits in milliseconds.

    TARGET_PATHS=/hello throng locust -f examples/locust/configured/before_1_0.py --no-web -c 10 --hatch-rate 2 \
        -t 10s --host http://127.0.0.1:5000
"""

import os
import random

from locust import HttpLocust, TaskSet, task

PATHS = [path.strip() for path in os.environ.get("TARGET_PATHS", "/hello").split(",") if path.strip()]


class Asking(TaskSet):
    @task(1)
    def ask(self):
        self.client.get(random.choice(PATHS))


class ConfiguredUser(HttpLocust):
    task_set = Asking
    min_wait = int(float(os.environ.get("WAIT_MIN", "1")) * 1000)
    max_wait = int(float(os.environ.get("WAIT_MAX", "2")) * 1000)
