"""Hooks: order, failing listeners, and who hears of requests."""

import logging
import unittest

import locust
from locust import log
from locust.clients import HttpSession
from locust.contrib.fasthttp import FastHttpSession
from locust.env import Environment
from locust.event import HOOKS, EventHook, Events
from locust.exception import StopUser
from locust.stats import RequestStats

from .support import Target


class Hooks(unittest.TestCase):
    def setUp(self):
        logging.disable(logging.CRITICAL)
        self.addCleanup(logging.disable, logging.NOTSET)
        self.hook = EventHook()
        self.heard = []

    def test_listeners_are_called_in_order_or_in_reverse(self):
        for name in "abc":
            self.hook.add_listener(lambda name=name, **_kwargs: self.heard.append(name))
        self.hook.fire()
        self.hook.fire(reverse=True)
        self.assertEqual("".join(self.heard), "abccba")

    def test_a_failing_listener_does_not_disturb_the_others(self):
        before = log.unhandled_greenlet_exception
        self.addCleanup(setattr, log, "unhandled_greenlet_exception", before)
        self.hook.add_listener(lambda **_kwargs: 1 / 0)
        self.hook.add_listener(lambda **kwargs: self.heard.append(kwargs))
        self.hook.fire(value=1)
        self.assertEqual(self.heard, [{"value": 1}])
        self.assertTrue(log.unhandled_greenlet_exception)

    def test_what_steers_a_user_reaches_it(self):
        @self.hook.add_listener
        def stop(**_kwargs):
            raise StopUser()

        with self.assertRaises(StopUser):
            self.hook.fire()

    def test_a_listener_may_remove_itself(self):
        def once(**_kwargs):
            self.heard.append("once")
            self.hook.remove_listener(once)

        self.hook.add_listener(once)
        self.hook.add_listener(lambda **_kwargs: self.heard.append("always"))
        self.hook.fire()
        self.hook.fire()
        self.assertEqual(self.heard, ["once", "always", "always"])

    def test_all_hooks_are_there(self):
        self.assertLessEqual(set(HOOKS), set(vars(Events())))
        with self.assertRaises(AttributeError):
            Events().no_such_event


class Requests(unittest.TestCase):
    def setUp(self):
        target = Target()
        self.url = target.__enter__().url
        self.addCleanup(target.__exit__)

    def test_sessions_report_to_any_hook(self):
        for session_class in (HttpSession, FastHttpSession):
            hook, heard = EventHook(), []
            hook.add_listener(lambda heard=heard, **kwargs: heard.append(kwargs["name"]))
            session_class(self.url, hook, None).get("/hello", name="x")
            self.assertEqual(heard, ["x"], session_class)

    def test_listeners_come_before_and_after_statistics(self):
        environment = Environment()
        request, seen = environment.events.request, []
        request.add_listener(lambda **_kwargs: seen.append(stats.num_requests))
        stats = RequestStats()
        request.record_in(stats)
        after = request.add_listener(lambda **_kwargs: seen.append(stats.num_requests))
        session = HttpSession(self.url, request, None)
        session.get("/hello")
        request.fire(request_type="X", name="own", response_time=1, response_length=0)
        self.assertEqual(seen, [0, 1, 1, 2])
        request.remove_listener(after)
        session.get("/hello")
        self.assertEqual((seen, stats.num_requests), ([0, 1, 1, 2, 2], 3))

    def test_measure_reports_a_block_and_swallows_its_error(self):
        environment, heard = Environment(), []
        environment.events.request.add_listener(lambda **kwargs: heard.append(kwargs))
        with environment.events.request.measure("M", "block", 5, context={"a": 1}) as meta:
            meta["name"] = "renamed"
            raise ValueError("inside")
        self.assertEqual(
            (heard[0]["name"], heard[0]["response_length"], repr(heard[0]["exception"]), heard[0]["context"]),
            ("renamed", 5, "ValueError('inside')", {"a": 1}),
        )

    def test_the_modules_events_are_those_of_the_command_line(self):
        from locust import main

        self.assertIs(main.events, locust.events)


if __name__ == "__main__":
    unittest.main()
