"""A test that is mounted from a ConfigMap and gets its settings from environment variables.

TARGET_PATHS: the paths to ask for, with commas between (default /hello)
WAIT_MIN, WAIT_MAX: seconds between two requests of a user (default 1 and 2)
EXPECTED_STATUS: what a good answer has (default 200)
LOCUST_HOST, LOCUST_USERS, ...: options of the command line

    LOCUST_HOST=http://127.0.0.1:5000 TARGET_PATHS=/hello,/health throng locust -f examples/locust/configured/locustfile.py
"""

import os
import random

from locust import HttpUser, between, events, task

PATHS = [path.strip() for path in os.environ.get("TARGET_PATHS", "/hello").split(",") if path.strip()]
EXPECTED_STATUS = int(os.environ.get("EXPECTED_STATUS", "200"))


@events.test_start.add_listener
def say_settings(environment, **_kwargs):
    print(f"loading {environment.host} at {', '.join(PATHS)}")


class ConfiguredUser(HttpUser):
    wait_time = between(float(os.environ.get("WAIT_MIN", "1")), float(os.environ.get("WAIT_MAX", "2")))

    @task
    def ask(self):
        with self.client.get(random.choice(PATHS), catch_response=True) as response:
            if response.status_code != EXPECTED_STATUS:
                response.failure(f"status {response.status_code} instead of {EXPECTED_STATUS}")
            else:
                response.success()
