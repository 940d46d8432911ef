"""The exceptions that locustfiles raise and catch.

Some steer a user's life (stop, interrupt, reschedule), some mark a request as failed, and the rest
report misuse. Which one does what is written in `locust.user.task`.
"""


class LocustError(Exception):
    """Misuse of the library: a missing setting, a call in the wrong place."""


class ResponseError(Exception):
    """Raised inside a `catch_response` block: the request failed with this error, the task goes on."""


class CatchResponseError(Exception):
    """What a request failed with when a script called `response.failure("some text")`."""


class MissingWaitTimeError(LocustError):
    """A class that has to wait has neither a `wait_time` nor the old `min_wait` and `max_wait`."""


class InterruptTaskSet(Exception):
    """Leaves the running task set and hands control to its parent.

    With `reschedule` the parent picks its next task at once, otherwise after its wait time.
    """

    def __init__(self, reschedule=True):
        super().__init__(reschedule)
        self.reschedule = reschedule


class StopTest(Exception):
    """Ends the whole run."""


class StopUser(Exception):
    """Ends the user that raises it; nothing takes its place."""


class RescheduleTask(Exception):
    """Ends the running task as if it had returned."""


class RescheduleTaskImmediately(Exception):
    """Ends the running task; the next one starts without a wait."""


class RPCError(Exception):
    """A controller and a worker could not talk to each other."""


class RPCSendError(Exception):
    """A message could not be sent."""


class RPCReceiveError(Exception):
    """A message could not be read; `addr` is the sender, if it is known."""

    def __init__(self, *args, addr=None):
        super().__init__(*args)
        self.addr = addr


class RunnerAlreadyExistsError(Exception):
    """An environment has one runner; a second one was asked for."""


# What steers a user instead of reporting an error: event handlers and tasks let these pass.
CONTROL_FLOW = (StopUser, StopTest, RescheduleTask, RescheduleTaskImmediately, InterruptTaskSet)


# `StopUser`, by its name from before version 1.0.
StopLocust = StopUser
