"""Tests of the Python package, with the standard library's unittest.

    python -m unittest discover -s python/tests -t python

They need gevent and the built module `locust/_core.abi3.so`.
"""
