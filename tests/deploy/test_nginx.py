"""nginx as shipped before gunicorn as its unit says: logins, sizes, addresses, restarts that lose nobody."""

from __future__ import annotations

import http.client
import os
import re
import shlex
import shutil
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.deploy.conftest import Installed

ROOT = Path(__file__).resolve().parents[2]
UNITS = ROOT / "deploy" / "systemd"
NGINX = shutil.which("nginx") or "/usr/sbin/nginx"
HOST = "registry.example"
PASSWORD = "Shou-ci-2020"

pytestmark = [
    pytest.mark.look,
    pytest.mark.django_db,
    pytest.mark.skipif(
        not Path(NGINX).exists() and os.environ.get("CI") != "true",
        reason="needs nginx: apt-get install nginx-light",
    ),
]


def read_unit(name: str, key: str) -> str:
    """Return the last value of a key in a shipped unit."""
    return re.findall(rf"^{key}=(.*)$", (UNITS / name).read_text("utf-8"), re.MULTILINE)[-1]


class Answer:
    """What came back through nginx."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status, self.headers, self.text = response.status, response.headers, response.read().decode()


class Site:
    """gunicorn behind nginx, both on free ports of this machine."""

    def __init__(self, installed: Installed) -> None:
        self.installed = installed
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        with socket.create_server(("127.0.0.1", 0)) as free, socket.create_server(("127.0.0.1", 0)) as plain:
            self.port, self.plain = free.getsockname()[1], plain.getsockname()[1]
        self.gunicorn = self.start_gunicorn()
        self.nginx = self.start_nginx()

    def start_gunicorn(self) -> subprocess.Popen[bytes]:
        """Start what ExecStart says and hand it the socket as systemd does."""
        command = shlex.split(read_unit("registry-web.service", "ExecStart"))
        assert command[0] == "/opt/registry/current/.venv/bin/python"
        handed = f'exec env LISTEN_PID=$$ LISTEN_FDS=1 "$@" 3<&{self.listener.fileno()}'
        return subprocess.Popen(
            ["bash", "-c", handed, "systemd", sys.executable, *command[1:]],
            cwd=ROOT,
            # Static files are not collected here: that is all that DEBUG changes of what is looked at.
            env=self.installed.environment | {"DEBUG": "1", "TLS": "1"},
            pass_fds=[self.listener.fileno()],
            stderr=subprocess.DEVNULL,
        )

    def start_nginx(self) -> subprocess.Popen[bytes]:
        root = self.installed.root
        subprocess.run(
            [
                *(
                    "openssl",
                    "req",
                    "-x509",
                    "-newkey",
                    "rsa:2048",
                    "-nodes",
                    "-days",
                    "1",
                    "-subj",
                    f"/CN={HOST}",
                ),
                *("-keyout", root / "key.pem", "-out", root / "cert.pem"),
            ],
            check=True,
            capture_output=True,
        )
        written = subprocess.run(
            [
                *("bash", "-c", 'source deploy/lib.sh; nginx_configuration deploy/nginx "$@"', "-"),
                *(HOST, str(self.port), str(self.plain), str(self.listener.getsockname()[1])),
                *(str(root / "cert.pem"), str(root / "key.pem"), str(ROOT / "deploy/nginx/pages")),
            ],
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        assert "@" not in re.sub(r"#.*", "", written)
        (root / "registry.conf").write_text(written.replace("/var/log/nginx", str(root)))
        temporary = [
            f"{each}_temp_path {root}/{each};"
            for each in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        ]
        lines = [
            "user root;" if os.geteuid() == 0 else "",
            f"pid {root}/nginx.pid; error_log {root}/error.log; worker_processes 1; daemon off;",
            f"events {{}} http {{ {' '.join(temporary)} include registry.conf; }}",
        ]
        (root / "nginx.conf").write_text("\n".join(lines))
        command = [NGINX, "-p", str(root), "-c", str(root / "nginx.conf"), "-e", str(root / "error.log")]
        subprocess.run([*command, "-t"], check=True, capture_output=True)
        nginx = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                break
            except OSError:
                time.sleep(0.05)
        return nginx

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> Answer:
        """Send a request as a browser does that was told https://registry.example:PORT/."""
        connection = http.client.HTTPSConnection(
            "127.0.0.1", self.port, timeout=60, context=ssl._create_unverified_context()
        )
        try:
            connection.request(method, path, body, {"Host": f"{HOST}:{self.port}", **(headers or {})})
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def stop(self) -> None:
        for process in (self.nginx, self.gunicorn):
            process.terminate()
        for process in (self.nginx, self.gunicorn):
            process.wait(30)
        self.listener.close()


@pytest.fixture
def site(installed: Installed) -> Iterator[Site]:
    done = subprocess.run(
        [
            *(sys.executable, ROOT / "manage.py", "setup", "--no-input"),
            *("--unit", "德州市公安局", "--account", "guanli", "--name", "张三"),
        ],
        env=installed.environment | {"SETUP_PASSWORD": PASSWORD},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    served = Site(installed)
    yield served
    served.stop()


def test_the_shipped_site(site: Site) -> None:
    """One start of the servers for all that is said of them: it costs three seconds."""
    log_in_on_a_port_that_is_not_443(site)
    what_is_too_large_is_refused_in_chinese(site)
    plain_http_is_sent_to_https(site)
    inner_addresses_are_not_handed_on(site)
    a_restart_loses_nobody(site)


def log_in_on_a_port_that_is_not_443(site: Site) -> None:
    page = site.ask("GET", "/login/")
    assert page.status == 200
    assert "max-age=31536000" in page.headers["Strict-Transport-Security"]
    cookies = [each.partition(";")[0] for each in page.headers.get_all("Set-Cookie") or []]
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)
    assert token is not None
    sent = {"csrfmiddlewaretoken": token[1], "username": "guanli", "password": PASSWORD}
    origin = f"https://{HOST}:{site.port}"
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "Cookie": "; ".join(cookies),
        "Origin": origin,
        "Referer": f"{origin}/login/",
        "X-Forwarded-For": "6.6.6.6",
        "X-Forwarded-Host": "evil.example",
    }
    answer = site.ask("POST", "/login/", urlencode(sent).encode(), headers)
    assert answer.status == 302, answer.text
    assert "__Host-sessionid=" in " ".join(answer.headers.get_all("Set-Cookie") or [])
    with closing(sqlite3.connect(site.installed.root / "data" / "registry.sqlite3")) as database:
        rows = database.execute("SELECT address FROM registry_auditentry WHERE verb = 'login'").fetchall()
    assert rows == [("127.0.0.1",)]  # what the browser claims of its address is not believed
    foreign = site.ask(
        "POST", "/login/", urlencode(sent).encode(), headers | {"Origin": "https://evil.example"}
    )
    assert foreign.status == 403


def what_is_too_large_is_refused_in_chinese(site: Site) -> None:
    by_nginx = site.ask("POST", "/login/", headers={"Content-Length": str(22 * 1024 * 1024)})
    assert (by_nginx.status, "内容过大" in by_nginx.text) == (413, True)
    assert by_nginx.headers["Content-Type"] == "text/html; charset=utf-8"
    assert site.ask("GET", "/_registry/page.css").status == 200
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Referer": f"https://{HOST}:{site.port}/"}
    by_registry = site.ask("POST", "/login/", b"x" * (20 * 1024 * 1024), headers)
    assert "X-Request-Number" in by_registry.headers  # a file of 20 MB reaches it


def plain_http_is_sent_to_https(site: Site) -> None:
    for port, path in ((site.plain, "/units/?q=a"), (site.port, "/units/?q=a")):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        host = f"{HOST}:{site.port}" if port == site.port else HOST
        connection.request("GET", path, headers={"Host": host})
        response = connection.getresponse()
        assert response.status == 301
        assert response.headers["Location"] == f"https://{HOST}:{site.port}{path}"
        connection.close()


def inner_addresses_are_not_handed_on(site: Site) -> None:
    assert site.ask("GET", "/metrics").status == 404
    assert site.ask("GET", "/readyz").status == 200
    assert "nginx/" not in site.ask("GET", "/metrics").headers["Server"]


def a_restart_loses_nobody(site: Site) -> None:
    """The socket outlives gunicorn: who asks between two of them waits."""
    with ThreadPoolExecutor(4) as clients:
        asked = [clients.submit(site.ask, "GET", "/login/") for _ in range(4)]
        site.gunicorn.send_signal(signal.SIGTERM)
        asked += [clients.submit(site.ask, "GET", "/login/") for _ in range(8)]
        site.gunicorn.wait(60)
        asked += [clients.submit(site.ask, "GET", "/login/") for _ in range(4)]
        site.gunicorn = site.start_gunicorn()
        assert [each.result().status for each in asked] == [200] * 16
