"""Reports an operation that is no HTTP request as one: how long it took, and what it failed with."""

import time
from contextlib import contextmanager


@contextmanager
def reported(request_event, request_type, name):
    """Fires the request event for the block, whose errors are reported and pass on.

    Yields the event's arguments, to be completed.
    """
    meta = {
        "request_type": request_type,
        "name": name,
        "response_length": 0,
        "response": None,
        "context": {},
        "exception": None,
        "start_time": time.time(),
    }
    started = time.perf_counter()
    try:
        yield meta
    except Exception as error:
        meta["exception"] = error
        raise
    finally:
        meta["response_time"] = (time.perf_counter() - started) * 1000
        request_event.fire(**meta)
