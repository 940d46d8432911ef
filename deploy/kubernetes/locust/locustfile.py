from locust import HttpUser, between, task


class Visitor(HttpUser):
    wait_time = between(1, 2)

    @task(9)
    def employees(self):
        self.client.get("/employees")

    @task(1)
    def stats(self):
        self.client.get("/stats")
