# asserts: --locustfile
# run two: -f HERE/several_files.py,HERE/_other.py --headless --only-summary -u 2 -r 2 -t 1
# run same: -f HERE/several_files.py,HERE/several_files.py --headless --only-summary -u 1 -t 1
# run duplicate: -f HERE/several_files.py,HERE/_duplicate.py --headless --only-summary -u 1 -t 1
# run none: -f HERE/_empty.py --headless --only-summary -u 1 -t 1
# run folder: -f HERE/_folder --headless --only-summary -u 2 -r 2 -t 1
# env: SEVERAL=1
"""Several locustfiles, folders, and names that clash."""

from _shared import note  # noqa: F401
from locust import User, constant, task


class First(User):
    wait_time = constant(1)

    @task
    def nothing(self):
        pass
