# asserts: event.EventHook, event.Events
# run: --headless --only-summary -u 1 -t 20
"""Hooks that a locustfile makes, and listeners that come and go."""

from facts import fact, finish
from locust import User, events, task
from locust.event import EventHook, Events

events.my_event = EventHook()
events.second = EventHook()


@events.my_event.add_listener
def first(value, **_kwargs):
    fact("first", value)


def second(value, extra=None):
    fact("second", [value, extra])


events.my_event.add_listener(second)
fact("returned", events.second.add_listener(second) is second)
fact("hooks", sorted(name for name in vars(Events()) if not name.startswith("_")))


class MyUser(User):
    @task
    def fire(self):
        events.my_event.fire(value=1, extra="x")
        events.my_event.fire(value=2, reverse=True)
        events.my_event.remove_listener(second)
        events.my_event.fire(value=3)
        try:
            events.my_event.remove_listener(second)
        except ValueError:
            fact("removed twice", "ValueError")
        finish(self)
