# asserts: fast response.status_code, fast response.text, fast response.content, fast response.json, fast response.ok, fast response.headers, fast response.encoding, fast response.raise_for_status, fast response.request, fast.iter_lines, fast response.url
# run: --headless --only-summary -u 1 -t 20
"""What a response of FastHttpUser offers."""

from facts import fact, finish
from locust import FastHttpUser, task


def raised(call):
    try:
        call()
    except Exception as error:
        return type(error).__name__
    return None


class MyUser(FastHttpUser):
    @task
    def responses(self):
        client = self.client
        response = client.get("/json?x=1")
        fact("json", response.json())
        fact("plain", [response.status_code, response.ok, response.url])
        fact("types", [type(response.text).__name__, type(response.content).__name__])
        fact(
            "headers",
            [response.headers["CONTENT-TYPE"], response.headers.get("content-type"), "Nope" in response.headers],
        )
        fact("request", [response.request.method, response.request.url])
        fact("no error", raised(response.raise_for_status))
        response = client.post("/status/503", data="b")
        fact("failed", [response.status_code, response.ok, response.text])
        fact("raises", raised(response.raise_for_status))
        fact("gzip", client.get("/gzip").text[:20])
        fact("latin", client.get("/latin").text)
        fact("bytes", len(client.get("/bytes/70000").content))
        fact("lines", [line.decode() if isinstance(line, bytes) else line for line in client.iter_lines("/lines")])
        response = client.get("/redirect/2")
        fact("followed", [response.status_code, response.url])
        fact("not followed", client.get("/redirect/2", allow_redirects=False).status_code)
        client.get("/cookie/a/1")
        fact("cookie", client.get("/echo").json()["headers"]["cookie"])
        finish(self)
