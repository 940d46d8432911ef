"""`locust.contrib.oai` of Locust; not there yet, and refused by its name when it is imported."""

from .._unsupported import refuse

refuse("locust.contrib.oai")
