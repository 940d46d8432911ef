import sys
folder, kind = sys.argv[1:3]
if sys.version_info < (3, 10):
    sys.exit("throng: use Python %s in %s: locustfiles need Python 3.10 or newer; set THRONG_PYTHON to one" % (
        sys.version.split()[0], sys.executable))
# The folder stands in the place of the empty entry that -c brings; locustfiles add their own.
sys.path[0:1 if sys.path and sys.path[0] == "" else 0] = [folder]
sys.argv[:3] = ["locust"]
import importlib.util
if importlib.util.find_spec("gevent") is None:
    sys.exit("throng: import gevent in %s: it is not installed; install it with: %s -m pip install gevent" % (
        sys.executable, sys.executable))
if kind == "temporary":
    import atexit, os, shutil
    owner = os.getpid()
    atexit.register(lambda: os.getpid() == owner and shutil.rmtree(folder, ignore_errors=True))
# Our own files lie in a cache, so their bytecode may as well, whatever the environment says about others.
quiet, sys.dont_write_bytecode = sys.dont_write_bytecode, False
import locust.main
sys.dont_write_bytecode = quiet
sys.exit(locust.main.main())
