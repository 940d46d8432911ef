"""Fills a MongoDB collection with made-up people until the database has a given size, then ends the test.

    pip install pymongo Faker
    LIMIT_MEGABYTES=10 throng locust -f examples/locust/mongodb/mongo_populating.py --headless -u 4 -r 4

See settings.py for what can be set. MongoDB is no web server, so each operation is reported with `events.request.fire`,
and appears in the tables like a request. pymongo waits for the network by itself: throng makes it cooperative.
"""

import time

import settings
from faker import Faker
from gevent.lock import BoundedSemaphore
from locust import User, events, task
from pymongo import MongoClient

fake = Faker()
# One client, and its pool of connections, for all users of this process.
client = MongoClient(settings.CLUSTER_URL)
collection = client[settings.DATABASE][settings.COLLECTION]


class Size:
    """The size of the database, asked for twice a second; near the limit before each write, one user at a time, so that it
    is passed by one batch, and by what the server's figure is late.
    """

    # What is written between two questions, and more.
    NEAR_MEGABYTES = 5

    def __init__(self):
        self.megabytes = 0.0
        self.asked_at = 0.0
        self.asking = BoundedSemaphore()
        self.last_writes = BoundedSemaphore()

    def ask(self):
        self.asked_at = time.monotonic()
        self.megabytes = client[settings.DATABASE].command("dbStats")["dataSize"] / 1_000_000
        return self.megabytes

    def limit_is_near(self):
        if time.monotonic() - self.asked_at > 0.5 and self.asking.acquire(blocking=False):
            try:
                self.ask()
            finally:
                self.asking.release()
        return self.megabytes >= settings.LIMIT_MEGABYTES - self.NEAR_MEGABYTES


size = Size()


def person():
    return {
        "name": fake.name(),
        "address": {"street": fake.street_address(), "city": fake.city(), "postcode": fake.postcode()},
        "email": fake.email(),
        "about": fake.text(400),
        "created": fake.date_time(),
    }


class MongoUser(User):
    def measure(self, name, operation):
        """Runs an operation that returns how many documents it was about, and reports it as a request."""
        started_at = time.time()
        started = time.perf_counter()
        documents, error = 0, None
        try:
            documents = operation()
        except Exception as exception:
            error = exception
        events.request.fire(
            request_type="mongodb",
            name=name,
            response_time=(time.perf_counter() - started) * 1000,
            response_length=documents,
            exception=error,
            context=self.context(),
            start_time=started_at,
        )

    def write(self, name, operation):
        if not size.limit_is_near():
            self.measure(name, operation)
            return
        with size.last_writes:
            if size.ask() >= settings.LIMIT_MEGABYTES:
                self.environment.runner.quit()
            else:
                self.measure(name, operation)

    @task(settings.DOCUMENT_WEIGHT)
    def insert_document(self):
        document = person()
        self.write("insert one", lambda: collection.insert_one(document) and 1)

    @task(settings.BATCH_WEIGHT)
    def insert_batch(self):
        batch = [person() for _ in range(settings.DOCUMENTS_PER_BATCH)]
        self.write("insert many", lambda: len(collection.insert_many(batch, ordered=False).inserted_ids))

    @task(settings.FIND_WEIGHT)
    def find(self):
        self.measure("find one", lambda: 1 if collection.find_one({}) else 0)


@events.test_stop.add_listener
def say_size(**_kwargs):
    print(f"the database holds {size.megabytes:.2f} MB")
