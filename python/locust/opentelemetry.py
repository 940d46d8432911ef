"""Tracing with OpenTelemetry; not there yet, and refused by its name."""

from ._unsupported import refuse


def setup_opentelemetry(*_args, **_kwargs):
    """Starts tracing."""
    refuse("locust.opentelemetry")
