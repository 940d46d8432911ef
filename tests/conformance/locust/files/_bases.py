"""User classes that a locustfile imports."""

from locust import User, constant, task


class ImportedBase(User):
    abstract = True
    wait_time = constant(1)

    @task
    def inherited(self):
        pass


class Imported(ImportedBase):
    pass
