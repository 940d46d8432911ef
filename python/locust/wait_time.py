"""`locust.wait_time`, where older locustfiles import the wait functions from; the same as `locust.user.wait_time`."""

from .user.wait_time import between, constant, constant_pacing, constant_throughput, poisson

__all__ = ("between", "constant", "constant_pacing", "constant_throughput", "poisson")
