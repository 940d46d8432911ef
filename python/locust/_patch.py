"""Makes the standard library cooperative before anything else of this process uses it.

A locustfile's `time.sleep`, sockets, `requests` or database drivers then suspend one user instead of all.
"""

import os
import sys

try:
    from gevent import monkey
except ImportError as error:
    sys.exit(f"throng needs gevent in this Python: {sys.executable} -m pip install gevent ({error})")

if os.environ.get("LOCUST_SKIP_MONKEY_PATCH", "").lower() not in ("1", "true", "yes") and not monkey.is_module_patched(
    "socket"
):
    monkey.patch_all()
