# asserts: User.weight, User.fixed_count, runner.user_classes_count, runner.target_user_count, events.spawning_complete, LocalRunner, runner.target_user_classes_count
# run: --headless --only-summary -u 20 -r 20 -t 1
# run few: --headless --only-summary -u 3 -r 20 -t 1
# run chosen: --headless --only-summary -u 10 -r 20 -t 1 Light Fixed
# run environment: --headless --only-summary -u 10 -r 20 -t 1
# env environment: LOCUST_USER_CLASSES=Heavy Light
# alone: it asks each process for its index, which a master has not; nodes_results counts users of several
"""How many users of which class there are."""

from facts import fact
from locust import User, constant, events, task


class Common(User):
    abstract = True
    wait_time = constant(10)

    @task
    def nothing(self):
        pass


class Heavy(Common):
    weight = 3


class Light(Common):
    weight = 1


class Fraction(Common):
    weight = 0.5


class Fixed(Common):
    fixed_count = 2


class Dropped(Common):
    weight = 0


@events.spawning_complete.add_listener
def counted(user_count, **_kwargs):
    fact("user_count", user_count)


@events.test_stopping.add_listener
def seen(environment, **_kwargs):
    runner = environment.runner
    fact("classes", sorted(environment.user_classes_by_name))
    fact("user_classes_count", runner.user_classes_count)
    fact("target", [runner.target_user_count, runner.target_user_classes_count])
    fact("runner", [type(runner).__name__, runner.user_count, runner.worker_index, runner.worker_count])
