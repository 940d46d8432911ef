"""What the conformance run with Locust is made of."""
