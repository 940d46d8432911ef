"""Writes a line of CSV for every request: `CsvRequestLogger("requests.csv").register(environment)`."""

import csv
import os
import time
from datetime import datetime, timezone

CSV_COLUMNS = ("timestamp", "request_type", "name", "response_time_ms", "response_length", "status_code", "exception")


class CsvRequestLogger:
    """The file, and the listener that writes to it; flushed every `flush_interval` seconds and at the end."""

    def __init__(self, filepath, *, flush_interval=1):
        self.filepath = filepath
        self.flush_interval = flush_interval
        self._file = None
        self._writer = None
        self._flushed = 0.0

    def register(self, environment):
        """Opens the file and listens to the environment's requests until it quits."""
        if os.path.dirname(self.filepath):
            os.makedirs(os.path.dirname(self.filepath), exist_ok=True)
        self._file = open(self.filepath, "w", newline="", encoding="utf-8")
        self._writer = csv.writer(self._file)
        self._writer.writerow(CSV_COLUMNS)
        environment.events.request.add_listener(self._on_request)
        environment.events.quitting.add_listener(self._on_quitting)

    def close(self):
        """Closes the file."""
        if self._file and not self._file.closed:
            self._file.close()

    def _on_quitting(self, **_kwargs):
        self.close()

    def _on_request(
        self,
        *,
        request_type,
        name,
        response_time,
        response_length,
        exception=None,
        response=None,
        start_time=None,
        **_kwargs,
    ):
        # A user that is stopped last may finish a request after the file was closed.
        if self._file.closed:
            return
        at = datetime.fromtimestamp(time.time() if start_time is None else start_time, timezone.utc)
        status = getattr(response, "status_code", None)
        self._writer.writerow(
            [
                at.isoformat(),
                request_type,
                name,
                "" if response_time is None else f"{response_time:.3f}",
                response_length,
                "" if status is None else status,
                "" if exception is None else repr(exception),
            ]
        )
        now = time.monotonic()
        if now - self._flushed >= self.flush_interval:
            self._flushed = now
            self._file.flush()
