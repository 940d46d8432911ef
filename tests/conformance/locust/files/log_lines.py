# asserts: log lines, --loglevel, --run-time, log.setup_logging
# run: --headless --only-summary -u 3 -r 3 -t 2
# run quiet: --headless --only-summary -u 1 -t 1 -L ERROR
# run file: --headless --only-summary -u 1 -t 1 --logfile logs/run.log
# run endless: --headless --only-summary -u 1
# env endless: QUIT=1
# output: log ^(Starting Locust|Run time limit|No run time limit|Ramping to|All users spawned|--run-time limit|Shutting down)
# output: exists logs/run.log
# alone: a master says other things; nodes_results compares them
"""The lines that tools look for."""

import os

from locust import User, constant, task


class MyUser(User):
    wait_time = constant(1)

    @task
    def nothing(self):
        if os.environ.get("QUIT"):
            self.environment.runner.quit()
