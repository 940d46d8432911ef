# asserts: LoadTestShape.use_common_options, LoadTestShape.abstract, --users, --run-time
# run: --headless --only-summary -u 3 -r 5 -t 3
"""A shape that reads -u, -r and -t, made from an abstract one."""

from facts import fact
from locust import LoadTestShape, User, constant, events, task


class MyUser(User):
    wait_time = constant(0.1)

    @task
    def nothing(self):
        pass


class Base(LoadTestShape):
    abstract = True
    use_common_options = True


class Constant(Base):
    def tick(self):
        options = self.runner.environment.parsed_options
        if self.get_run_time() > 1.5:
            return None
        return options.num_users, options.spawn_rate


@events.spawning_complete.add_listener
def complete(user_count, **_kwargs):
    fact("users", user_count)


fact("abstract", [LoadTestShape.abstract, Base.abstract, Constant.abstract])
