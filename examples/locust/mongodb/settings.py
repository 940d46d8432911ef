"""Settings of the filling of MongoDB; each may be set as an environment variable of the same name."""

import os

CLUSTER_URL = os.environ.get("CLUSTER_URL", "mongodb://127.0.0.1:27017/?directConnection=true")
DATABASE = os.environ.get("DATABASE", "sample")
COLLECTION = os.environ.get("COLLECTION", "documents")

# The test ends when the database holds this many megabytes.
LIMIT_MEGABYTES = float(os.environ.get("LIMIT_MEGABYTES", "100"))
DOCUMENTS_PER_BATCH = int(os.environ.get("DOCUMENTS_PER_BATCH", "100"))

# How often each task runs in proportion to the others; 0 leaves it out.
DOCUMENT_WEIGHT = int(os.environ.get("DOCUMENT_WEIGHT", "1"))
BATCH_WEIGHT = int(os.environ.get("BATCH_WEIGHT", "5"))
FIND_WEIGHT = int(os.environ.get("FIND_WEIGHT", "1"))
