"""Fills a MongoDB collection with made-up people until the database has a given size, then ends the test.

    pip install pymongo Faker
    LIMIT_MEGABYTES=10 throng locust -f examples/locust/mongodb/mongo_populating.py --headless -u 4 -r 4

See settings.py for what can be set. MongoDB is no web server, so each operation is reported with `events.request.fire`,
and appears in the tables like a request. pymongo waits for the network by itself: throng makes it cooperative.
"""

import time

import bson
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
    """The size of the database: what the server says, which costs it much and may be late, or what it said first and what
    was written since, if that is more. One process passes its limit by one batch at most.
    """

    def __init__(self):
        self.said = self.before = 0.0
        self.has_asked = False
        self.asked_at = 0.0
        self.asking = BoundedSemaphore()
        self.written = 0
        self.writing = 0

    @property
    def megabytes(self):
        return max(self.said, self.before + self.written / 1_000_000)

    def ask(self):
        self.asked_at = time.monotonic()
        self.said = client[settings.DATABASE].command("dbStats")["dataSize"] / 1_000_000
        return self.said

    def has_room(self):
        """Asks the server first of all, then one user at a time, every five seconds."""
        if not self.has_asked:
            with self.asking:
                if not self.has_asked:
                    self.before = self.ask()
                    self.has_asked = True
        elif time.monotonic() - self.asked_at > 5 and self.asking.acquire(blocking=False):
            try:
                self.ask()
            finally:
                self.asking.release()
        return self.megabytes < settings.LIMIT_MEGABYTES


size = Size()


def person():
    return {
        "_id": bson.ObjectId(),
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

    def write(self, name, documents, operation):
        if not size.has_room():
            while size.writing:
                time.sleep(0.01)
            self.environment.runner.quit()
            return
        # Counted before it is written, so that others know of it.
        size.written += sum(len(bson.encode(document)) for document in documents)
        size.writing += 1
        try:
            self.measure(name, operation)
        finally:
            size.writing -= 1

    @task(settings.DOCUMENT_WEIGHT)
    def insert_document(self):
        document = person()
        self.write("insert one", [document], lambda: collection.insert_one(document) and 1)

    @task(settings.BATCH_WEIGHT)
    def insert_batch(self):
        batch = [person() for _ in range(settings.DOCUMENTS_PER_BATCH)]
        self.write("insert many", batch, lambda: len(collection.insert_many(batch, ordered=False).inserted_ids))

    @task(settings.FIND_WEIGHT)
    def find(self):
        self.measure("find one", lambda: 1 if collection.find_one({}) else 0)


@events.test_stop.add_listener
def say_size(**_kwargs):
    print(f"the database holds {size.megabytes:.2f} MB")
