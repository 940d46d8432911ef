"""`rest` and `rest_`: requests to a JSON interface whose checks are plain assertions.

A failed assertion, an unreadable body or any other error in the block becomes the failure of the
request, and the task goes on.
"""

import time
import traceback
from contextlib import contextmanager

_SHOWN = 250
_SHOWN_AFTER_ASSERTION = 200


class RestMixin:
    """Adds `rest` and `rest_` to a user class that has a `client`."""

    @contextmanager
    def rest(self, method, url, headers=None, **kwargs):
        """A request with JSON headers; yields the response, whose `js` is the parsed body or None."""
        headers = {"Content-Type": "application/json", "Accept": "application/json", **(headers or {})}
        with self.client.request(method, url, catch_response=True, headers=headers, **kwargs) as response:
            response.js = None
            text = response.text
            if text:
                try:
                    response.js = response.json()
                except ValueError as error:
                    response.failure(
                        f"Could not parse response as JSON. {text[:_SHOWN]}, response code {response.status_code}, error {error}"
                    )
            try:
                yield response
            except AssertionError as error:
                response.failure(_assertion_text(error, text))
            except Exception as error:
                response.failure(_error_text(error, text))

    @contextmanager
    def rest_(self, method, url, name=None, **kwargs):
        """`rest` with a time stamp in the query, which no cache has seen; reported under the name `...?_=...`."""
        separator = "&" if "?" in url else "?"
        name = name or f"{url}{separator}_=..."
        with self.rest(method, f"{url}{separator}_={int(time.time() * 1000)}", name=name, **kwargs) as response:
            yield response


def _assertion_text(error, text):
    if not error.args:
        return "Assertion failed"
    said = str(error)
    if said.endswith(","):
        return f"{said} response was {(text or '')[:_SHOWN_AFTER_ASSERTION]}"
    return said


def _error_text(error, text):
    # From the locustfile's own line on, which is what one looks for.
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename != __file__]
    where = ", ".join(f"{frame.filename}:{frame.lineno} in {frame.name}" for frame in frames)
    return f"{type(error).__name__}: {error} at {where}. Response was {(text or '')[:_SHOWN]}"
