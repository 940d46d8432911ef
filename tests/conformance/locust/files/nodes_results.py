# asserts: --expect-workers, runner.clients, runner.worker_count, runner.worker_index, runner.get_worker_index
# run: --headless --only-summary -u 4 -r 4 -t 5
# workers: 2
# output: log ^(All users spawned|Sending spawn jobs|--run-time limit|Shutting down)
# unordered: started
"""What two workers measured is one result; who runs which users is the dispatcher's choice; indices are the master's."""

from facts import fact
from locust import User, constant, events, task
from locust.runners import MasterRunner, WorkerRunner


@events.init.add_listener
def init(environment, runner, **_kwargs):
    if isinstance(runner, WorkerRunner):
        fact("index is known at init", runner.worker_index in (0, 1))
        fact("master_host", runner.master_host)


@events.test_start.add_listener
def look(environment, **_kwargs):
    runner = environment.runner
    if isinstance(runner, MasterRunner):
        fact("workers", [runner.worker_count, len(runner.clients.ready), len(runner.clients)])
        fact("indices", sorted(runner.get_worker_index(client_id) for client_id in runner.clients))


@events.spawning_complete.add_listener
def counts(user_count, **_kwargs):
    fact("spawned", user_count)


class Base(User):
    abstract = True
    wait_time = constant(60)

    def report(self, name, error=None):
        self.environment.events.request.fire(
            request_type="OWN", name=name, response_time=12.5, response_length=100, exception=error
        )


class Heavy(Base):
    weight = 2

    def on_start(self):
        fact("started", "Heavy")

    @task
    def work(self):
        self.report("heavy")
        self.report("heavy", ValueError("boom"))


class Light(Base):
    def on_start(self):
        fact("started", "Light")

    @task
    def work(self):
        self.report("light")
        raise RuntimeError("on purpose")


class Fixed(Base):
    fixed_count = 1

    def on_start(self):
        fact("started", "Fixed")

    @task
    def work(self):
        self.report("fixed")
