"""The version of Locust whose interface this package has."""

version = "2.47.0"
__version__ = version
