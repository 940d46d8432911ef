# asserts: response.status_code, response.text, response.content, response.json, response.ok, response.headers, response.elapsed, response.encoding, response.raise_for_status, response.request, response.reason, response.iter_lines, client stream
# run: --headless --only-summary -u 1 -t 20
"""What a response of HttpUser offers."""

from facts import fact, finish
from locust import HttpUser, task


def raised(call):
    try:
        call()
    except Exception as error:
        return [type(error).__name__, str(error)]
    return None


class MyUser(HttpUser):
    @task
    def responses(self):
        client = self.client
        response = client.get("/json?x=1")
        fact("json", response.json())
        fact("plain", [response.status_code, response.reason, response.ok, response.url, response.encoding])
        fact("types", [type(response.text).__name__, type(response.content).__name__, type(response.elapsed).__name__])
        fact(
            "headers",
            [response.headers["CONTENT-TYPE"], response.headers.get("content-type"), "Nope" in response.headers],
        )
        fact("request", [response.request.method, response.request.url, response.request.body])
        fact("no error", raised(response.raise_for_status))
        response = client.post("/status/503", data={"a": "b"})
        fact("failed", [response.status_code, response.ok, response.text, response.request.body])
        fact("raises", raised(response.raise_for_status))
        fact("not json", raised(response.json)[0])
        fact("gzip", client.get("/gzip").text[:20])
        response = client.get("/latin")
        fact("latin", [response.encoding, response.text])
        response.encoding = "utf-8"
        fact("other encoding", response.text)
        fact("bytes", len(client.get("/bytes/70000").content))
        fact("204", [client.get("/status/204").text, client.get("/status/204").content == b""])
        response = client.get("/lines", stream=True)
        fact("streamed", [line.decode() for line in response.iter_lines()])
        response.close()
        finish(self)
