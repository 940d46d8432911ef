"""The web interface: a small page, and the JSON that it and other programs use.

Served by gevent's own WSGI server from a greenlet of the process that runs the users. `server` routes, `actions` is
what requests do, `answers` what they are told, `page` the page.
"""

from .server import WebUI

__all__ = ("WebUI",)
