"""Rendering as users do it: kustomize as kubectl has it built in, and Helm's own library."""

import sys
from pathlib import Path

import helm_python

# The version whose schemas are in the package of the schemas.
KUBERNETES = "1.37"


class Refused(Exception):
    """The chart does not take these values; the text says why."""


def kubectl():
    """The program that the package brings."""
    return Path(sys.executable).with_name("kubectl")


def helm(chart, values):
    """All documents of a release named `run`, as text."""
    try:
        with helm_python.Chart.load(str(chart)) as loaded:
            # As an install does it: what is given, over the defaults.
            loaded.validate_schema(loaded.merge_values(values))
            rendered = loaded.render(values, name="run", namespace="load")
    except helm_python.HelmError as error:
        raise Refused(str(error)) from error
    return "\n---\n".join(text for name, text in rendered.items() if name.endswith(".yaml"))


def problems(chart, values):
    """What `helm lint --strict` complains about."""
    found = helm_python.lint(str(chart), values, strict=True)
    return [message["error"] for message in found["messages"] if message["severity"] >= 2] + found["errors"]
