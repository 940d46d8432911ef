"""Keys pressed in the terminal while a test runs: w, W, s and S change the number of users."""

import atexit
import select
import sys

import gevent


def listen(actions):
    """Calls `actions[key]()` for each key pressed, for ever. To be run as a greenlet; does nothing without a terminal."""
    try:
        import termios
        import tty
    except ImportError:
        return
    stdin = sys.stdin.fileno()
    before = termios.tcgetattr(stdin)
    atexit.register(termios.tcsetattr, stdin, termios.TCSADRAIN, before)
    tty.setcbreak(stdin)
    while True:
        # Polled, because a watcher on a terminal that is in the background would stop the process.
        if select.select([stdin], [], [], 0)[0]:
            action = actions.get(sys.stdin.read(1))
            if action:
                action()
        else:
            gevent.sleep(0.2)
