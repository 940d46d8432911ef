"""Keeping runs: what the variables of `--history` ask for, and a feed for runs without a page.

The database is Rust's (`crates/history`), as is everything that is kept; this process only says that there is one.
"""

import hashlib
import os

from . import _core

_FOLDER = "THRONG_HISTORY"
_KEEP = "THRONG_HISTORY_KEEP"
_NAME = "THRONG_RUN_NAME"


def wanted(environment):
    """What `_core.WebServer` is to keep runs as (folder, name, checksum, how many); None if it is not to."""
    folder = os.environ.get(_FOLDER)
    if not folder:
        return None
    keep = os.environ.get(_KEEP) or None
    if keep is not None:
        if not keep.isascii() or not keep.isdigit() or not 0 < int(keep) < 2**32:
            raise ValueError(f"{_KEEP} must be a whole number from 1, not {keep!r}")
        keep = int(keep)
    file = environment.locustfile or "locustfile.py"
    name = os.environ.get(_NAME, "").strip() or os.path.splitext(os.path.basename(file))[0]
    return folder, name, checksum(environment), keep


def checksum(environment):
    """As `throng_history::checksum`, of all files of the test; empty where they cannot be read any more."""
    digest = hashlib.sha256()
    paths = getattr(environment.parsed_options, "locustfile", None) or environment.locustfile or ""
    for path in paths.split(","):
        try:
            with open(path.strip(), "rb") as file:
                digest.update(file.read())
        except OSError:
            return ""
    return digest.hexdigest()[:32]


class Unseen:
    """Stands for the web interface of a run that has none: its feed goes to the history alone."""

    userclass_picker_is_active = False
    # Tests are started by the command line only.
    has_started, run_time = False, None
    # What is watched beside the test, if something is.
    watch = None
    template_args = {}
    stats_csv_writer = None

    def __init__(self, environment, history):
        # Here, because most runs have neither page nor history.
        from .web.feed import Feed

        self.environment = environment
        self.server = _core.WebServer(None, 0, history=history)
        self.feed = Feed(self, self.server)

    def is_guarded(self):
        """Nobody sees it."""
        return False

    def guard(self, is_guarded):
        """Nobody is to be asked."""

    def own_routes(self):
        """There are none."""
        return []

    def stop(self, exit_code):
        """Keeps the run; returns what went wrong with that."""
        self.feed.close()
        error = self.server.conclude(exit_code)
        self.server.stop()
        return error
