"""The web interface: the page, and the JSON that programs know from Locust.

The page, its event stream and `/api/v1` are served by Rust on a thread of its own. `feed` tells it how the test stands,
`bridge` answers what it asks: commands, and requests for the routes of `server`. `actions` is what those do, `answers`
what they are told.
"""

from .._names import elsewhere
from .auth import AuthArgs, AuthProvider, CustomForm, InputField
from .server import WebUI, old_app


def __getattr__(name):
    """What locustfiles took from here before version 1.0."""
    if name == "app":
        return old_app()
    return elsewhere(__name__, name)


__all__ = ("AuthArgs", "AuthProvider", "CustomForm", "InputField", "WebUI")
