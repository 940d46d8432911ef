# asserts: locust.conf, pyproject.toml, --config, LOCUST_USERS, LOCUST_HOST, LOCUST_RUN_TIME, LOCUST_HEADLESS, LOCUST_SPAWN_RATE, LOCUST_ONLY_SUMMARY
# run: --headless --only-summary -t 20
# run environment: --only-summary
# env environment: LOCUST_USERS=7
# env environment: LOCUST_HEADLESS=true
# env environment: LOCUST_RUN_TIME=25s
# run line: --headless -u 9 --only-summary -t 20 -H http://line
# env line: LOCUST_USERS=7
# env line: LOCUST_HOST=http://environment
# run config: --headless --only-summary -t 20 --config other.conf
# file locust.conf: # a comment\nusers = 3\nspawn-rate = 5\nhost = http://conf\nrun-time = 1h\nloglevel = WARNING
# file pyproject.toml: [project]\nname = "x"\n[tool.locust]\nusers = 4\ntags = ["t1", "t2"]
# file other.conf: users: 11\nstop-timeout 2
"""Options from files and the environment, and which of them win."""

from facts import fact, finish
from locust import User, tag, task


class MyUser(User):
    def on_start(self):
        self.environment.shown = getattr(self.environment, "shown", False)

    @tag("t1")
    @task
    def show(self):
        options = self.environment.parsed_options
        names = ("num_users", "spawn_rate", "host", "run_time", "tags", "stop_timeout", "headless", "loglevel")
        if self.environment.shown:
            return
        self.environment.shown = True
        fact("options", [getattr(options, name) for name in names])
        fact("environment", [self.environment.host, self.environment.stop_timeout])
        self.environment.process_exit_code = 0
        finish(self)
