# asserts: User.abstract, User.tasks
# run: --headless --only-summary -u 4 -r 4 -t 1
"""Base classes, and classes that are imported."""

from _bases import Imported, ImportedBase
from facts import fact
from locust import events, task


class Abstract(ImportedBase):
    abstract = True

    @task
    def from_abstract(self):
        pass


class Concrete(Abstract):
    @task
    def own(self):
        pass


@events.init.add_listener
def show(environment, **_kwargs):
    fact("classes", sorted(cls.__name__ for cls in environment.user_classes))
    fact("tasks", [[each.__name__ for each in cls.tasks] for cls in (Imported, Abstract, Concrete)])
