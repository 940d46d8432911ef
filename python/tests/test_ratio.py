"""`--show-task-ratio` and its JSON: Locust's numbers to the last digit, and its columns. All were observed on Locust 2.47."""

import contextlib
import io
import json
import unittest

from locust import TaskSet, User, task
from locust.user.inspectuser import print_task_ratio, print_task_ratio_json


class Deepest(TaskSet):
    @task(2)
    def p(self):
        pass

    @task(9)
    def q(self):
        pass


class Nested(TaskSet):
    tasks = {Deepest: 1}

    @task(3)
    def x(self):
        pass

    @task(7)
    def y(self):
        pass


class A(User):
    weight = 3
    tasks = {Nested: 2}

    @task(9)
    def a(self):
        pass


def of_class(name, weight=1, fixed_count=0):
    return type(name, (User,), {"weight": weight, "fixed_count": fixed_count, "tasks": [lambda user: None]})


def printed(function, *arguments):
    with contextlib.redirect_stdout(io.StringIO()) as out:
        function(*arguments)
    return out.getvalue()


def shares(num_users, *classes):
    ratios = json.loads(printed(print_task_ratio_json, classes, num_users))["per_class"]
    return [entry["ratio"] for entry in ratios.values()]


class Ratios(unittest.TestCase):
    def test_the_last_digits_are_locusts(self):
        total = json.loads(printed(print_task_ratio_json, [A, of_class("B", 7)], None))["total"]["A"]
        nested = total["tasks"]["Nested"]
        deepest = nested["tasks"]["Deepest"]
        seen = [entry["ratio"] for entry in (nested, nested["tasks"]["x"], deepest, *deepest["tasks"].values())]
        expected = [0.05454545454545454, 0.01487603305785124, 0.004958677685950413, 0.0009015777610818932]
        self.assertEqual([repr(ratio) for ratio in seen[:4]], [repr(ratio) for ratio in expected])

    def test_users_of_each_class_are_rounded_for_themselves(self):
        a, b = of_class("A"), of_class("B", 3)
        self.assertEqual(shares(10, a, b), [0.2, 0.8])
        self.assertEqual(shares(14, a, b), [0.2857142857142857, 0.7142857142857143])
        self.assertEqual(shares(6, a, b), [0.3333333333333333, 0.6666666666666666])
        self.assertEqual(shares(1, a, of_class("C")), [0.0, 0.0])

    def test_fixed_counts_come_first_and_are_all_without_a_number(self):
        c, d, a, b = of_class("C", 1, 2), of_class("D", 1, 3), of_class("A"), of_class("B", 3)
        self.assertEqual(shares(None, c, d, a, b), [0.4, 0.6, 0.0, 0.0])
        self.assertEqual(shares(3, c, d, a, b), [0.4, 0.6, 0.0, 0.0])
        self.assertEqual(shares(8, c, d, a, b), [0.25, 0.375, 0.125, 0.25])

    def test_names_of_nested_tasks_are_indented(self):
        lines = printed(print_task_ratio, [A], None, False).splitlines()
        shown = [(line.strip().split()[-1], len(line.rstrip())) for line in lines]
        self.assertEqual(shown, [("A", 13), ("Nested", 20), ("Deepest", 23), ("p", 21), ("q", 21), ("x", 17), ("y", 17), ("a", 15)])


if __name__ == "__main__":
    unittest.main()
