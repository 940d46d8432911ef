"""Notes which user classes a run has; imported by several locustfiles."""

from facts import fact
from locust import events


@events.init.add_listener
def note(environment, **_kwargs):
    fact("classes", sorted(cls.__name__ for cls in environment.user_classes))
    fact("locustfile", environment.locustfile)
