"""Tracing with OpenTelemetry; not there yet, and refused by its name."""

from ._names import elsewhere
from ._unsupported import refuse


def setup_opentelemetry(*_args, **_kwargs):
    """Starts tracing."""
    refuse("locust.opentelemetry")


def __getattr__(name):
    """What Locust's module has from others."""
    return elsewhere(__name__, name)
