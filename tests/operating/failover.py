"""`make failover-proof`: one server follows another, which is killed under load, and takes over.

It runs the boxes of "A second server" and "How it is" in docs/operations.md, in the order of a bureau's first
day and of its worst one, and writes docs/failover-proof.md: what was done, how long it took, what was lost.
`sudo` and `systemctl` are stand-ins here, which do the same to two servers of the wheel; what is in capitals
was put in.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.chaos.browser import Browser, NoAnswer
from tests.chaos.machine import Process, aside
from tests.two_servers import CONFIGURATION, SENDER, Server, cut_off

ROOT = Path(__file__).resolve().parents[2]
PAGE, PROOF = ROOT / "docs" / "operations.md", ROOT / "docs" / "failover-proof.md"
WRITERS, READERS = 6, 2
LOAD, CUT, NOTICED = 12.0, 4.0, 2.0
"""Seconds of work before the end, of which the line is cut; and until somebody promotes the second."""
PASSWORD = "correct horse battery"
SUDO = """#!/bin/bash
if [[ $1 == registry ]]; then shift; cd "$REGISTRY"; exec "$PYTHON" -W ignore manage.py "$@"; fi
[[ $1 == -u ]] && shift 2
if [[ $EUID == 0 ]]; then exec runuser -u pgserver -- "$@"; fi
exec "$@"
"""
SYSTEMCTL = """#!/bin/bash
# What Debian's unit does: start and stop the server whose folder is $SERVER_DATA.
if [[ $1 == stop || $1 == restart ]]; then pg_ctl -D "$SERVER_DATA" -w -m fast stop; fi
if [[ $1 == start || $1 == restart ]]; then
  pg_ctl -D "$SERVER_DATA" -w -l "$SERVER_DATA.log" -o "$SERVER_OPTIONS" start
fi
"""


class Said:
    """What goes into the proof, as it is done."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def __call__(self, *lines: str) -> None:
        for line in lines:
            print(line, flush=True)
            self.lines.append(line)


def boxes() -> dict[str, list[str]]:
    """Return the commands of each box, by its first line: ``# on the second server: follow``."""
    section = PAGE.read_text("utf-8").partition("\n## A second server\n")[2]
    section = section.partition("\n## When something")[0]
    found: dict[str, list[str]] = {}
    for box in re.findall(r"^```sh\n(.*?)^```", section, re.M | re.S):
        title, *commands = box.strip().replace("\\\n", " ").split("\n")
        found[title.removeprefix("# ")] = commands
    return found


class Pair:
    """Two servers, and which of them is the first today."""

    def __init__(self, folder: Path, said: Said) -> None:
        self.folder, self.said = folder, said
        self.settings: dict[str, str] = {}
        """What the registry is run with, for commands of its own."""
        self.servers = Server(folder, "one"), Server(folder, "two")
        self.first, self.second = self.servers
        tools = folder / "bin"
        tools.mkdir()
        for name, text in (("sudo", SUDO), ("systemctl", SYSTEMCTL)):
            (tools / name).write_text(text)
            (tools / name).chmod(0o755)
        self.path = f"{tools}:{self.first._programs}:{os.environ['PATH']}"

    def do(self, title: str) -> None:
        """Run a box on the server that its first line names; stops where a command fails."""
        self.said("", f"# {title}")
        server = self.second if "second" in title.partition(":")[0] else self.first
        environment = (
            os.environ
            | self.settings
            | {
                "REGISTRY": str(ROOT),
                "PYTHON": sys.executable,
                "PATH": self.path,
                "PGHOST": "127.0.0.1",
                "PGPORT": str(server.port),
                "PGUSER": "postgres",
                "SERVER_DATA": str(server.data),
                "SERVER_OPTIONS": f"-p {server.port} -h 127.0.0.1 -k ''",
            }
        )
        for command in boxes()[title]:
            self.said(f"$ {command}")
            typed = (
                command.replace("host=FIRST", f"host=127.0.0.1 port={self.first.port}")
                .replace("SECOND", "127.0.0.1")
                .replace("SECRET", "only-for-this-proof")
                .replace("DATA", str(server.data))
            )
            with tempfile.TemporaryFile("w+") as out:
                done = subprocess.run(
                    ["bash", "-c", typed],
                    env=environment,
                    cwd=self.folder,
                    stdout=out,
                    stderr=out,
                    check=False,
                )
                out.seek(0)
                said = out.read().strip()
            if said and "systemctl" not in command:
                self.said(*(f"    {line}" for line in said.splitlines()[:30]))
            if done.returncode and command != "sudo registry health":  # which says what is not well by it
                raise SystemExit(f"{command}: {done.returncode}\n{said}")

    def sender(self) -> int:
        """Return the process of the first that sends to the second, once it does."""
        for _ in range(100):
            if found := self.first.ask(SENDER):
                return int(str(found[0][0]))
            time.sleep(0.1)
        raise SystemExit("the second server does not follow the first")

    def swap(self) -> None:
        """The second is the first from now on."""
        self.first, self.second = self.second, self.first


class Load:
    """People at work: who registers notes what was acknowledged, who reads notes what was answered."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.acknowledged: dict[str, float] = {}
        self.answers: Counter[str] = Counter()
        self.longest = 0.0
        self.from_replica = 0
        self.ended = threading.Event()
        self.threads: list[threading.Thread] = []

    def begin(self) -> None:
        """Let them begin."""
        self.ended.clear()
        work = [self._write] * WRITERS + [self._read] * READERS
        self.threads = [aside(each) for each in work]

    def end(self) -> None:
        """Let them end what they are at."""
        self.ended.set()
        for thread in self.threads:
            thread.join(60)

    def _browser(self) -> Browser:
        browser = Browser(self.port)
        browser.get("/login/")
        token = browser.cookies["csrftoken"]
        facts = [("username", "jia-clerk"), ("password", PASSWORD), ("csrfmiddlewaretoken", token)]
        assert browser.post("/login/", facts).status == 302
        return browser

    def _until_ended(self, once: Callable[[Browser], None]) -> None:
        browser: Browser | None = None
        while not self.ended.is_set():
            try:
                if browser is None:
                    browser = self._browser()
                began = time.monotonic()
                once(browser)
                self.longest = max(self.longest, time.monotonic() - began)
            except (NoAnswer, KeyError, AssertionError):
                self.answers["none"] += 1
                time.sleep(0.2)

    def _write(self) -> None:
        def once(browser: Browser) -> None:
            number = secrets.token_hex(5).upper()
            name = "演" + "".join(
                chr(0x4E00 + secrets.randbelow(5_000)) for _ in range(2)
            )  # nobody's namesake
            facts = [("name", name), ("number", number), ("category", "officer")]
            facts += [("political_status", "masses"), ("csrfmiddlewaretoken", browser.cookies["csrftoken"])]
            answer = browser.post("/units/jia/people/add/", facts)
            self.answers[f"write {answer.status}"] += 1
            if answer.status == 302:
                self.acknowledged[number] = time.monotonic()
            elif answer.status == 200:
                raise SystemExit(f"the form was not taken: {re.sub('<[^>]+>', ' ', answer.text)[:3000]}")
            else:
                time.sleep(0.2)

        self._until_ended(once)

    def _read(self) -> None:
        def once(browser: Browser) -> None:
            answer = browser.get("/people/")
            self.answers[f"read {answer.status}"] += 1
            self.from_replica += 'id="as-of"' in answer.text

        self._until_ended(once)


def environment(pair: Pair, folder: Path) -> dict[str, str]:
    """Return the settings of the web server: both servers in one address, never changed afterwards."""
    one, two = (server.place for server in pair.servers)
    return os.environ | {
        "DJANGO_SETTINGS_MODULE": "tests.chaos.settings",
        "DATABASE_URL": f"postgres://postgres:x@{one},{two}/postgres",
        "DATABASE_REPLICA_URL": f"postgres://postgres:x@{two},{one}/postgres",
        "DEBUG": "0",
        "TLS": "0",
        "SECRET_KEY": "for-the-failover-run-only-0123456789-abcdefghijklmnop",
        "SEAL_KEY": "for-the-failover-run-only-9876543210-abcdefghijklmnop",
        "STATE_DIR": str(folder / "state"),
        "FILES_DIR": str(folder / "files"),
        "LOG_REQUESTS": "0",
        "WEB_WORKERS": "2",
    }


@contextmanager
def served(settings: dict[str, str], folder: Path) -> Iterator[int]:
    """Serve with these settings; yield the port."""
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    web = Process(
        [sys.executable, "-m", "gunicorn", "partybuild.wsgi"], settings | {"PORT": str(port)}, folder / "web"
    )
    try:
        for _ in range(240):
            try:
                if Browser(port).get("/readyz").status == 200:
                    break
            except NoAnswer:
                pass
            time.sleep(0.5)
        yield port
    finally:
        web.stop()


def manage(settings: dict[str, str], *command: str) -> str:
    """Run a command of the registry; return what it said."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "manage.py", *command],
        cwd=ROOT, env=settings, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return (
        f"{' '.join(command)}: exit {done.returncode}; {(done.stdout + done.stderr).strip().splitlines()[-1]}"
    )


def take_over(pair: Pair, port: int, said: Said, *, cut: bool, lost_at_most: int | None) -> None:
    """Let people work, end the first server, promote the second; say what was lost.

    ``cut``: the line between them is cut a while before.
    """
    load = Load(port)
    load.begin()
    time.sleep(LOAD - CUT)
    if cut:
        with cut_off(pair.sender()):
            time.sleep(CUT)
            cut_at = time.monotonic() - CUT
            pair.first.kill()
    else:
        time.sleep(CUT)
        cut_at = time.monotonic()
        pair.first.kill()
    killed = time.monotonic()
    time.sleep(NOTICED)
    promoted = time.monotonic()
    pair.do("on the second server: take over")
    while not any(at > promoted for at in load.acknowledged.values()):
        time.sleep(0.1)
        if time.monotonic() > promoted + 60:
            raise SystemExit(f"nothing was acknowledged after the promotion: {load.answers}")
    again = min(at for at in load.acknowledged.values() if at > promoted)
    time.sleep(3)
    load.end()
    there = {str(row[0]) for row in pair.second.ask("SELECT number FROM registry_person")}
    before = {number for number, at in load.acknowledged.items() if at <= killed}
    lost = [number for number in load.acknowledged if number not in there]
    early = [number for number in lost if load.acknowledged[number] < cut_at - 1]
    said(
        "",
        f"* acknowledged before the end: {len(before)}; after it, by the second server: "
        f"{len(load.acknowledged) - len(before)}",
        f"* **lost of what was acknowledged: {len(lost)}**",
        f"* from the promotion to the first acknowledged write: {again - promoted:.1f} s; the longest that "
        f"anybody waited for an answer: {load.longest:.1f} s",
        f"* answers: {', '.join(f'{what}: {number}' for what, number in sorted(load.answers.items()))}; "
        f"pages read from the replica: {load.from_replica}",
    )
    if early or (lost_at_most is not None and len(lost) > lost_at_most):
        raise SystemExit(f"lost: {len(lost)}, long before the end: {early}")
    pair.swap()


def waits_for_both(pair: Pair, port: int, said: Said) -> None:
    """Cut the line while commits wait for both servers: nothing is acknowledged until the first is told."""
    load = Load(port)
    load.begin()
    time.sleep(2)
    with cut_off(pair.sender()):
        time.sleep(1)
        before = len(load.acknowledged)
        time.sleep(CUT)
        during = len(load.acknowledged) - before
        pair.do("on the first server: wait no longer")
        time.sleep(2)
        after = len(load.acknowledged) - before - during
    load.end()
    said("", f"* acknowledged in {CUT:.0f} s while the line was cut: {during}; in 2 s after the box: {after}")
    if during or not after:
        raise SystemExit(f"{during} were acknowledged by one server alone, or none afterwards: {after}")


def main() -> None:
    """Do it all, and keep what was said."""
    said, began = Said(), time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="failover-"))
    folder.chmod(0o755)
    pair = Pair(folder, said)
    if pair.first._user:
        shutil.chown(folder, pair.first._user)
    settings = pair.settings = environment(pair, folder)
    (folder / "files").mkdir()
    (folder / "state").mkdir()
    try:
        said(
            "# Two servers, of which the first is killed",
            "",
            f"Written by `make failover-proof` on {time.strftime('%Y-%m-%d')}, PostgreSQL 18, both servers "
            f"and {WRITERS + READERS} people on one machine of {os.cpu_count()} processors that others use, "
            "too. The commands are those of [operations.md](operations.md#a-second-server); words in "
            "capitals were put in, and `sudo` and `systemctl` stand for what they do to these two "
            "servers. The web server knows both by one address and is never started anew. *Killed* is "
            "every process of a server at once.",
            "",
            "## The second follows the first",
        )
        pair.first.begin(CONFIGURATION)
        pair.second.begin(CONFIGURATION)
        os.environ.update(settings)
        from tests.chaos.__main__ import build

        build(_Built(settings))  # type: ignore[arg-type]
        from django.db import connections

        connections.close_all()
        pair.do("on the first server: let it be followed")
        pair.do("on the second server: follow")
        with served(settings, folder) as port:
            said("", "## Asynchronous: the first does not wait for the second", "", "The line is whole:")
            take_over(pair, port, said, cut=False, lost_at_most=None)
            said(
                "",
                f"The old first comes back as the second. Then the line is cut {CUT:.0f} s before the end:",
            )
            pair.do("on the second server: follow")
            take_over(pair, port, said, cut=True, lost_at_most=None)
            said("", "## Synchronous: what is acknowledged is on both")
            pair.do("on the second server: follow")
            pair.do("on the first server: wait for the second")
            take_over(pair, port, said, cut=False, lost_at_most=0)
            said("", "A second server that is away holds up the first until that is told to wait no longer:")
            pair.do("on the second server: follow")
            pair.do("on the first server: wait for the second")
            waits_for_both(pair, port, said)
            said("", "## How it is, and closing it for a while")
            pair.do("on the web server: how it is")
            pair.do("on the web server: close it, and open it again")
            pair.do("on the web server: only reading")
        said("", "## What stands on the last of them is sound", "")
        said(*(f"* {manage(settings, command)}" for command in ("checktree", "checkcounts", "checkaudit")))
        said("", f"All of it took {(time.monotonic() - began) / 60:.1f} minutes.")
        PROOF.write_text("\n".join(said.lines) + "\n", "utf-8")
    finally:
        for server in pair.servers:
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)


class _Built:
    """What the chaos run's world is built with: the settings."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.environment = environment


if __name__ == "__main__":
    main()
