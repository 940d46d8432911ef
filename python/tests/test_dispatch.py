"""The dispatcher deals exactly the users that Locust 2.47 deals: its documented vectors."""

import itertools
import unittest
from unittest import mock

import locust  # noqa: F401  # patches the standard library first
from locust import dispatch
from locust.dispatch import UsersDispatcher, interleave


class Worker:
    def __init__(self, worker_id):
        self.id = worker_id


def user_class(name, weight=1, fixed_count=0):
    return type(name, (), {"weight": weight, "fixed_count": fixed_count})


def dispatcher(workers, classes):
    return UsersDispatcher([Worker(name) for name in workers], classes)


def ramp(dealer, target, rate, classes=None):
    """The steps of a ramp, as {worker: {class: count}} without zeros; sleeping takes no time."""
    with mock.patch.object(dispatch.gevent, "sleep"):
        dealer.new_dispatch(target, rate, classes)
        return [plain(step) for step in dealer]


def plain(step):
    return {worker: {name: count for name, count in counts.items() if count} for worker, counts in step.items()}


class Order(unittest.TestCase):
    def order(self, count, *weights):
        return "".join(itertools.islice(interleave(weights), count))

    def test_weights_interleave_as_locusts_do(self):
        for weights, expected in (
            ([("A", 5), ("B", 1)], "AABAAAAABAAAAABAAAAABAAA"),
            ([("A", 3), ("B", 2), ("C", 1)], "ABCABAABCABAABCABAABCABA"),
            ([("A", 1), ("B", 1), ("C", 1)], "ABCABCABC"),
            ([("A", 0.5), ("B", 2)], "BBABBBBABBBBABBBBABB"),
            ([("B", 10), ("A", 1)], "BBBBABBBBBBBBBBBABBBBBBBBBBABBBBB"),
        ):
            self.assertEqual(self.order(len(expected), *weights), expected)

    def test_classes_of_no_weight_never_come(self):
        self.assertEqual(self.order(4, ("A", 0), ("B", 1)), "BBBB")
        self.assertEqual(self.order(4), "")


class Ramps(unittest.TestCase):
    def test_up_and_down_over_three_workers_of_two_hosts(self):
        dealer = dispatcher(["h1_a", "h1_b", "h2_a"], [user_class("A", 3), user_class("B", 1)])
        self.assertEqual(
            ramp(dealer, 8, 2.5),
            [
                {"h1_a": {"A": 1}, "h1_b": {}, "h2_a": {"B": 1}},
                {"h1_a": {"A": 2}, "h1_b": {"A": 1}, "h2_a": {"B": 1}},
                {"h1_a": {"A": 2}, "h1_b": {"A": 1, "B": 1}, "h2_a": {"A": 1, "B": 1}},
                {"h1_a": {"A": 3}, "h1_b": {"A": 1, "B": 1}, "h2_a": {"A": 2, "B": 1}},
            ],
        )
        self.assertEqual(
            ramp(dealer, 3, 2),
            [
                {"h1_a": {"A": 2}, "h1_b": {"A": 1, "B": 1}, "h2_a": {"A": 1, "B": 1}},
                {"h1_a": {"A": 2}, "h1_b": {"A": 1}, "h2_a": {"B": 1}},
                {"h1_a": {"A": 1}, "h1_b": {"A": 1}, "h2_a": {"B": 1}},
            ],
        )

    def test_users_of_fixed_count_come_first(self):
        dealer = dispatcher(["w1", "w2"], [user_class("A"), user_class("B"), user_class("F", fixed_count=2)])
        self.assertEqual(
            ramp(dealer, 5, 1)[-1],
            {"w1": {"A": 2, "F": 1}, "w2": {"B": 1, "F": 1}},
        )
        self.assertEqual(ramp(dealer, 8, 3)[-1], {"w1": {"A": 3, "F": 1}, "w2": {"B": 3, "F": 1}})

    def test_users_of_fixed_count_that_were_removed_come_first_again(self):
        dealer = dispatcher(["w"], [user_class("A"), user_class("F", fixed_count=2)])
        ramp(dealer, 4, 10)
        ramp(dealer, 1, 10)
        self.assertEqual(ramp(dealer, 3, 10)[-1], {"w": {"A": 1, "F": 2}})

    def test_a_ramp_of_fixed_counts_alone_ends_with_them(self):
        dealer = dispatcher(["w1", "w2"], [user_class("F", fixed_count=2), user_class("G", fixed_count=1)])
        steps = ramp(dealer, 10, 5)
        self.assertEqual(steps[-1], {"w1": {"F": 2}, "w2": {"G": 1}})
        self.assertFalse(dealer.dispatch_in_progress)
        self.assertEqual(dealer.get_current_user_count(), 3)

    def test_the_same_target_again_is_one_step_that_changes_nothing(self):
        dealer = dispatcher(["w"], [user_class("A")])
        before = ramp(dealer, 4, 10)[-1]
        self.assertEqual(ramp(dealer, 4, 10), [before])

    def test_a_shape_may_change_the_classes_of_each_stage(self):
        a, b = user_class("A"), user_class("B")
        dealer = dispatcher(["w1", "w2"], [a, b])
        self.assertEqual(ramp(dealer, 2, 100, [a])[-1], {"w1": {"A": 1}, "w2": {"A": 1}})
        self.assertEqual(ramp(dealer, 6, 100, [a, b])[-1], {"w1": {"A": 3}, "w2": {"A": 1, "B": 2}})
        self.assertEqual(ramp(dealer, 8, 100, [b])[-1], {"w1": {"A": 3, "B": 1}, "w2": {"A": 1, "B": 3}})
        self.assertEqual(ramp(dealer, 4, 100, [b])[-1], {"w1": {"A": 2}, "w2": {"A": 1, "B": 1}})

    def test_the_rate_sets_users_a_step_and_the_pause_between_steps(self):
        for rate, users, pause in ((2.5, 2, 0.8), (0.5, 1, 2.0), (10, 10, 1.0)):
            dealer = dispatcher(["w"], [user_class("A")])
            with mock.patch.object(dispatch.gevent, "sleep") as sleep:
                dealer.new_dispatch(users * 3, rate)
                steps = [sum(step["w"].values()) for step in dealer]
            self.assertEqual(steps, [users, 2 * users, 3 * users])
            self.assertEqual(sleep.call_count, 2, "none before the first step and none after the last")
            for call in sleep.call_args_list:
                self.assertAlmostEqual(call.args[0], pause, delta=0.1)


class Workers(unittest.TestCase):
    def test_a_worker_that_joins_gets_its_share_at_once(self):
        dealer = dispatcher(["w1", "w2"], [user_class("A")])
        ramp(dealer, 6, 100)
        dealer.add_worker(Worker("w3"))
        self.assertTrue(dealer.dispatch_in_progress)
        self.assertEqual([plain(step) for step in dealer], [{"w1": {"A": 2}, "w2": {"A": 2}, "w3": {"A": 2}}])
        self.assertFalse(dealer.dispatch_in_progress)

    def test_a_second_worker_that_joins_gets_its_share_too(self):
        # Locust 2.47 leaves it without users.
        dealer = dispatcher(["w1"], [user_class("A")])
        ramp(dealer, 6, 100)
        for joining in ("w2", "w3"):
            dealer.add_worker(Worker(joining))
            last = [plain(step) for step in dealer][-1]
        self.assertEqual(last, {"w1": {"A": 2}, "w2": {"A": 2}, "w3": {"A": 2}})

    def test_the_users_of_a_lost_worker_move(self):
        dealer = dispatcher(["w1", "w2"], [user_class("A")])
        ramp(dealer, 6, 100)
        lost = next(worker for worker in dealer._workers if worker.id == "w1")
        dealer.remove_worker(lost)
        self.assertEqual([plain(step) for step in dealer], [{"w2": {"A": 6}}])

    def test_a_ramp_goes_on_after_a_worker_joined(self):
        dealer = dispatcher(["w1"], [user_class("A")])
        with mock.patch.object(dispatch.gevent, "sleep"):
            dealer.new_dispatch(6, 2)
            next(dealer)
            dealer.add_worker(Worker("w2"))
            steps = [plain(step) for step in dealer]
        self.assertEqual(steps[0], {"w1": {"A": 1}, "w2": {"A": 1}})
        self.assertEqual(steps[-1], {"w1": {"A": 3}, "w2": {"A": 3}})


if __name__ == "__main__":
    unittest.main()
