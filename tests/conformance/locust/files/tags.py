# asserts: tag, --tags, --exclude-tags, Environment.tags, Environment.exclude_tags
# run all: --headless --only-summary -u 1 -t 1
# run some: --headless --only-summary -u 1 -t 1 --tags a
# run two: --headless --only-summary -u 1 -t 1 --tags a c
# run without: --headless --only-summary -u 1 -t 1 --exclude-tags b
# run both: --headless --only-summary -u 1 -t 1 -T a -E c
# run environment: --headless --only-summary -u 1 -t 1
# env environment: LOCUST_TAGS=[b, c]
# run string: --headless --only-summary -u 1 -t 1
# env string: LOCUST_TAGS=a
"""Which tasks the tags leave."""

from facts import fact
from locust import TaskSet, User, constant, events, tag, task


class MyUser(User):
    wait_time = constant(0.1)

    @tag("a")
    @task
    def only_a(self):
        pass

    @tag("a", "b")
    @task(2)
    def a_and_b(self):
        pass

    @task
    def untagged(self):
        pass

    @tag("c")
    @task
    class Nested(TaskSet):
        @task
        def inherits(self):
            self.interrupt()

        @tag("b")
        @task
        def adds(self):
            self.interrupt()


def names(tasks):
    return [[each.__name__, names(each.tasks)] if hasattr(each, "tasks") else each.__name__ for each in tasks]


@events.test_start.add_listener
def before(environment, **_kwargs):
    order = lambda value: sorted(value) if value else value  # noqa: E731
    fact("environment", [order(environment.tags), order(environment.exclude_tags)])


@events.spawning_complete.add_listener
def after(**_kwargs):
    fact("tasks", names(MyUser.tasks))
