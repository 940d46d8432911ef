"""Tasks and task sets without a run: collecting, choosing, waiting, and how a user ends."""

import collections
import logging
import unittest

import gevent
from locust import SequentialTaskSet, TaskSet, User, constant, constant_pacing, tag, task
from locust.env import Environment
from locust.exception import InterruptTaskSet, MissingWaitTimeError, StopUser
from locust.user.task import DefaultTaskSet, filter_tasks_by_tags


def setUpModule():
    logging.disable(logging.CRITICAL)


def tearDownModule():
    logging.disable(logging.NOTSET)


class Choosing(unittest.TestCase):
    def test_tasks_come_in_proportion_to_their_weights(self):
        class Weighted(User):
            @task(3)
            def often(self):
                pass

            @task
            def seldom(self):
                pass

        chooser = DefaultTaskSet(Weighted(Environment()))
        counts = collections.Counter(chooser.get_next_task().__name__ for _ in range(8000))
        self.assertAlmostEqual(counts["often"] / 8000, 0.75, delta=0.04)

    def test_a_task_may_not_be_called_run(self):
        with self.assertRaisesRegex(Exception, r"User\.run\(\)"):

            class Wrong(User):
                @task
                def run(self):
                    pass

    def test_tags_need_names(self):
        with self.assertRaises(ValueError):
            tag()
        with self.assertRaises(ValueError):

            @tag
            def function(self):
                pass

    def test_filtering_empties_nested_task_sets_away(self):
        class Tagged(User):
            @tag("a")
            @task
            def one(self):
                pass

            @task
            class Nested(TaskSet):
                @tag("b")
                @task
                def two(self):
                    pass

        filter_tasks_by_tags(Tagged, tags={"a"})
        self.assertEqual([each.__name__ for each in Tagged.tasks], ["one"])

    def test_queued_tasks_come_before_chosen_ones(self):
        ran = []

        class Queueing(SequentialTaskSet):
            @task
            def start(self):
                self.schedule_task(self.last)
                self.schedule_task(self.first, first=True)
                ran.append("start")

            def first(self):
                ran.append("first")

            def last(self):
                ran.append("last")
                raise StopUser()

        run(type("Mine", (User,), {"tasks": [Queueing]}))
        self.assertEqual(ran, ["start", "first", "last"])


class Waiting(unittest.TestCase):
    def test_without_any_wait_time_there_is_none(self):
        self.assertEqual(User(Environment()).wait_time(), 0)

    def test_a_wait_time_of_none_is_missing(self):
        class NoWait(User):
            wait_time = None

        with self.assertRaises(MissingWaitTimeError):
            TaskSet(NoWait(Environment())).wait_time()

    def test_pacing_is_kept_apart_for_user_and_task_set(self):
        class Paced(User):
            wait_time = constant_pacing(5)

        class Own(TaskSet):
            wait_time = constant_pacing(3)

        user = Paced(Environment())
        self.assertEqual((user.wait_time(), Own(user).wait_time()), (5, 3))

    def test_users_that_never_wait_let_others_run(self):
        turns = {"a": 0, "b": 0}

        class Busy(User):
            name = "a"

            @task
            def spin(self):
                turns[self.name] += 1

        class Other(Busy):
            name = "b"

        users = [gevent.spawn(cls(Environment()).run) for cls in (Busy, Other)]
        gevent.sleep(0.1)
        gevent.killall(users)
        self.assertGreater(min(turns.values()), 10)


class Ending(unittest.TestCase):
    def test_an_interrupted_task_set_gives_way_to_its_parent(self):
        ran = []

        class Inner(TaskSet):
            def on_stop(self):
                ran.append("inner stopped")

            @task
            def leave(self):
                raise InterruptTaskSet()

        class Outer(SequentialTaskSet):
            tasks = [Inner]

            @task
            def end(self):
                ran.append("outer goes on")
                raise StopUser()

        run(type("Mine", (User,), {"tasks": [Outer]}))
        self.assertEqual(ran, ["inner stopped", "outer goes on"])

    def test_exceptions_may_end_the_user(self):
        class Failing(User):
            @task
            def fail(self):
                raise KeyError("x")

        environment = Environment(catch_exceptions=False)
        heard = []
        environment.events.user_error.add_listener(lambda **kwargs: heard.append(kwargs["exception"]))
        with self.assertRaises(KeyError):
            Failing(environment).run()
        self.assertEqual(len(heard), 1)

    def test_a_user_may_quit_the_test_from_its_task(self):
        environment = Environment(user_classes=[Quitting])
        runner = environment.create_local_runner()
        runner.start(3, 100)
        runner.greenlet.join(timeout=10)
        self.assertEqual((runner.state, runner.user_count), ("stopped", 0))

    def test_a_test_that_is_ended_before_it_has_users_starts_none(self):
        for order in ("stop", "quit"):
            environment, fired = Environment(user_classes=[Quitting]), []
            runner = environment.create_local_runner()
            for name in ("test_start", "spawning_complete", "test_stopping", "test_stop"):
                getattr(environment.events, name).add_listener(lambda name=name, **_: fired.append(name))
            environment.events.test_start.add_listener(lambda order=order, **_: getattr(runner, order)())
            # The second time it was stopped before.
            for _ in range(2):
                runner.start(3, 100)
                self.assertEqual((runner.state, runner.user_count, runner.spawning_greenlet), ("stopped", 0, None))
            self.assertEqual(fired, ["test_start", "test_stopping", "test_stop"] * 2)
            runner.quit()

    def test_users_that_are_started_by_hand_are_handed_out(self):
        runner = Environment(user_classes=[Slow, Quitting]).create_local_runner()
        users = runner.spawn_users({"Slow": 2})
        self.assertEqual(([type(user) for user in users], runner.state), ([Slow, Slow], "spawning"))
        self.assertEqual(runner.spawn_users({"Slow": 0}), [])
        runner.quit()
        self.assertEqual((runner.state, runner.user_count), ("stopped", 0))

    def test_graceful_stop_waits_for_tasks_and_ends_waiting_users_at_once(self):
        environment = Environment(user_classes=[Slow], stop_timeout=10)
        runner = environment.create_local_runner()
        Slow.finished = 0
        runner.start(3, 100)
        gevent.sleep(0.1)
        with gevent.Timeout(5):
            runner.quit()
        self.assertEqual(Slow.finished, 3)


class Quitting(User):
    wait_time = constant(0.01)

    @task
    def quit(self):
        self.environment.runner.quit()


class Slow(User):
    wait_time = constant(60)
    finished = 0

    @task
    def work(self):
        gevent.sleep(0.4)
        type(self).finished += 1


def run(user_class):
    """Runs one user until it ends."""
    with gevent.Timeout(10):
        user_class(Environment()).run()


if __name__ == "__main__":
    unittest.main()
