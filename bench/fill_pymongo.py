"""The pymongo way to fill a collection to a size, to compare `throng fill` with.

What people write: Faker for the documents, `insert_many` in batches, stop when the BSON that was sent reaches the limit. The
documents have the fields of throng's built-in template. Prints one line with documents a second and CPU time, of this process
alone:

    python fill_pymongo.py mongodb://127.0.0.1:27017/sample 64000000
    /usr/bin/time -f '%U+%S s of CPU' throng fill mongodb://127.0.0.1:27017/sample --until 64MB --drop
"""

import datetime
import random
import resource
import sys
import time

import bson
import pymongo
from bson.decimal128 import Decimal128
from faker import Faker

BATCH = 1000


def document(fake: Faker, number: int) -> dict:
    """A person with a job, about half a kilobyte."""
    return {
        "first_name": fake.first_name(),
        "last_name": fake.last_name(),
        "email": f"user{number}@example.com",
        "phone": fake.phone_number(),
        "birthday": datetime.datetime.combine(fake.date_of_birth(), datetime.time()),
        "address": {
            "street": fake.street_address(),
            "city": fake.city(),
            "postcode": fake.postcode(),
            "country": fake.country(),
        },
        "company": fake.company(),
        "job": fake.job(),
        "department": random.choice(["engineering", "sales", "support", "people"]),
        "salary": Decimal128(f"{random.uniform(20000, 150000):.2f}"),
        "score": random.randint(0, 100),
        "active": random.random() < 0.9,
        "created_at": fake.date_time_this_decade(),
        "notes": fake.text(200),
    }


def main() -> None:
    url, limit = sys.argv[1], int(sys.argv[2])
    collection = pymongo.MongoClient(url).get_default_database()["pymongo"]
    collection.drop()
    fake = Faker()
    sent = documents = 0
    began = time.monotonic()
    while sent < limit:
        batch = [document(fake, documents + index) for index in range(BATCH)]
        collection.insert_many(batch, ordered=False)
        documents += BATCH
        sent += sum(len(bson.encode(one)) for one in batch)
    seconds = time.monotonic() - began
    used = resource.getrusage(resource.RUSAGE_SELF)
    cpu = used.ru_utime + used.ru_stime
    print(
        f"{documents} documents, {sent} bytes, {seconds:.1f} s, {documents / seconds:.0f} documents/s, "
        f"{cpu:.1f} s of CPU, {cpu / documents * 1e6:.0f} us a document"
    )


if __name__ == "__main__":
    main()
