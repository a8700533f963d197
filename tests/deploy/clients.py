"""Clients of a served registry: `-m tests.deploy.clients PORT HOST ACCOUNT PASSWORD NUMBER [NEW]`.

So many log in through nginx, ask for pages and send forms until standard input ends; what was answered, and
how long the longest answer took, is printed as JSON. With NEW one only looks at what a new installation must
do, and sets the new password.
"""

from __future__ import annotations

import http.client
import json
import re
import ssl
import sys
import threading
import time
from collections import Counter
from urllib.parse import urlencode

PAGES = ("/", "/people/", "/account/", "/search/?q=a", "/tree/")


class Client:
    """A browser as plain as can be, over https on any port."""

    def __init__(self, port: int, host: str) -> None:
        self.port, self.host, self.cookies = port, f"{host}:{port}", dict[str, str]()
        self.answers: Counter[str] = Counter()
        self.longest = 0.0

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, str, http.client.HTTPMessage]:
        """Return status, text and headers; an answer that does not come is raised."""
        origin = f"https://{self.host}"
        sent = {
            "Host": self.host,
            "Origin": origin,
            "Referer": f"{origin}/",
            "Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()),
            "Content-Type": "application/x-www-form-urlencoded",
            **(headers or {}),
        }
        begun = time.monotonic()
        connection = http.client.HTTPSConnection(
            "127.0.0.1", self.port, timeout=150, context=ssl._create_unverified_context()
        )
        try:
            connection.request(method, path, body, sent)
            response = connection.getresponse()
            text = response.read().decode("utf-8", "replace")
        finally:
            connection.close()
        self.longest = max(self.longest, time.monotonic() - begun)
        for line in response.headers.get_all("Set-Cookie") or []:
            name, _, value = line.partition(";")[0].partition("=")
            self.cookies[name] = value
        return response.status, text, response.headers

    def send(self, path: str, fields: dict[str, str]) -> tuple[int, str, http.client.HTTPMessage]:
        """Open a form and send it filled in."""
        _status, page, _headers = self.ask("GET", path)
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
        assert token is not None, page[:2000]
        return self.ask("POST", path, urlencode({"csrfmiddlewaretoken": token[1], **fields}).encode())

    def log_in(self, account: str, password: str) -> None:
        self.cookies.clear()
        status, page, headers = self.send("/login/", {"username": account, "password": password})
        assert status == 302, (status, page[:2000])
        if "password" in headers["Location"]:
            raise AssertionError("the one-time password was not changed yet")

    def work(self, account: str, password: str, over: threading.Event) -> None:
        """Read pages, and log in anew now and then, which writes, until it is over."""
        turn = 0
        while not over.is_set():
            try:
                if turn % 10 == 9:
                    self.log_in(account, password)
                    said = "302"
                else:
                    said = str(self.ask("GET", PAGES[turn % len(PAGES)])[0])
            except Exception as error:
                said = f"{type(error).__name__}: {error}"
            self.answers[said] += 1
            turn += 1


def look(port: int, host: str, account: str, password: str, new: str) -> list[str]:
    """Look at a new installation through nginx; return what was seen, a line each."""
    client = Client(port, host)
    status, page, headers = client.send("/login/", {"username": account, "password": password})
    seen = [f"POST /login/ as {account} with the one-time password: {status} to {headers.get('Location')}"]
    assert status == 302, page[:2000]
    status, page, _headers = client.send(
        "/account/password/", {"old_password": password, "new_password": new, "again": new}
    )
    seen.append(f"POST /account/password/: {status}")
    assert status == 302, page[:2000]
    status, _page, _headers = client.ask("GET", "/")
    seen.append(f"GET /: {status}")
    status, page, _headers = client.ask("POST", "/", headers={"Content-Length": str(30 << 20)})
    seen.append(f"POST of 30 MB: {status}, {'内容过大' if '内容过大' in page else page[:200]}")
    status, _page, headers = client.ask("GET", "/login/")
    seen.append(f"GET /login/: {status}, Server: {headers['Server']}, {headers['Strict-Transport-Security']}")
    return seen


def main() -> int:
    """Look, or work."""
    port, host, account, password, number, *new = sys.argv[1:]
    if new:
        print("\n".join(look(int(port), host, account, password, new[0])))
        return 0
    clients = [Client(int(port), host) for _ in range(int(number))]
    for client in clients:
        client.log_in(account, password)
    print("begun", flush=True)
    over = threading.Event()
    threads = [threading.Thread(target=each.work, args=(account, password, over)) for each in clients]
    for thread in threads:
        thread.start()
    sys.stdin.read()
    over.set()
    for thread in threads:
        thread.join()
    answers = sum((each.answers for each in clients), Counter())
    print(json.dumps({"answers": answers, "longest": round(max(each.longest for each in clients), 1)}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
