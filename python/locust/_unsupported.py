"""How this package says that something of Locust is not there yet: by its name, never by ignoring it."""


class NotSupportedYet(NotImplementedError):
    """A part of Locust that throng does not have yet."""


def refuse(what):
    """Raises the error that names `what`."""
    raise NotSupportedYet(f"{what} is not supported by throng yet")
