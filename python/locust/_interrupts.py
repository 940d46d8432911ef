"""Ctrl-C for the greenlet that waits for the run, whichever greenlet runs when it comes.

Python raises `KeyboardInterrupt` in the code that happens to run. In a user's task or a listener it would be caught as if that
had failed, and a greenlet of ours would be gone while the run still ends in order.
"""

import signal

import gevent


def deliver_here():
    """From now on an interrupt is raised in this greenlet when it waits or runs; a second one that comes before that, as
    something keeps the loop from going on, is raised where it is."""
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        # Ignored, as in the background of a shell, or a locustfile's own.
        return
    here = gevent.getcurrent()
    under_way = []

    def deliver():
        under_way.clear()
        here.throw(KeyboardInterrupt)

    def handle(_number, _frame):
        if under_way or gevent.getcurrent() is here:
            under_way.clear()
            raise KeyboardInterrupt
        under_way.append(gevent.get_hub().loop.run_callback(deliver))

    signal.signal(signal.SIGINT, handle)
