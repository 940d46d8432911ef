# asserts: exit codes, --list, --show-task-ratio, --version, --help
# run unknown: --headless --no-such-option
# run badusers: --headless -u x
# run badrate: --headless -r 0
# run badtime: --headless -t 1.5h
# run badspan: --headless -t 10x
# run badlevel: --headless -L LOUD
# run badclass: --headless -t 1 NoSuchUser
# run missing: -f missing.py --headless
# run history: --headless -t 1 --csv-full-history
# run autoquit: --headless -t 1 --autoquit 2
# run removed: --headless --web-auth a:b
# run list: --list
# run version: --version
# run help: --help
# run ratio: --show-task-ratio -u 4
# run ratiojson: --show-task-ratio-json -u 4
# run abbreviated: --headles --only-summ -u 1 -t 1
"""Exit codes of command lines that are wrong, and of those that only show something."""

from locust import TaskSet, User, constant, task


class One(User):
    wait_time = constant(1)

    @task
    def a(self):
        pass


class Two(User):
    wait_time = constant(1)

    @task(3)
    def b(self):
        pass

    @task
    class Nested(TaskSet):
        @task
        def c(self):
            self.interrupt(reschedule=False)
