"""`make deploy-proof`: a new administrator's whole way, on a bare Debian without a network; kept in docs/.

Makes two bundles (this commit, and one after it with a change of the tables), boots a Debian that has neither
nginx nor Python nor a network, and runs the boxes of docs/operations.md in the order of the page: Install,
Upgrade with four clients at work, back, and the commands of "When something is wrong". The first that fails
ends it.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

from tests.deploy.box import Box, need
from tests.deploy.test_operations import ANSWERS, COMMANDS, PAGE, ROOT

FOLDER = ROOT / "var" / "deploy-proof"
KEPT = ROOT / "docs" / "deploy-proof.md"
HOST, PORT, CLIENTS = "dangjian.example", 8443, 4
PASSWORD = "Shou-ci-2020-bis"
LONGEST = 60
"""So many lines of what a command says are kept."""

NEXT_MIGRATION = """
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("registry", "0002_guards")]
    operations = [
        migrations.RunSQL(
            "CREATE TABLE registry_proof (id integer)", "DROP TABLE registry_proof"
        )
    ]
"""


class Paper:
    """The page that is kept: what was run, what it said, and how long it took."""

    def __init__(self) -> None:
        self.begun, self.lines, self.minutes = time.monotonic(), list[str](), list[tuple[str, float]]()

    def head(self, text: str) -> None:
        print(f"== {text}", flush=True)
        self.lines += ["", f"## {text}", ""]

    def say(self, text: str) -> None:
        self.lines += [text, ""]

    def command(self, command: str, output: str, seconds: float) -> None:
        """Keep one command with what it said, the middle of what is long left out."""
        said = [line.rstrip() for line in re.sub(r"\x1b\[[\d;]*m", "", output).splitlines()]
        if len(said) > LONGEST:
            said = [*said[: LONGEST - 20], f"… {len(said) - LONGEST} lines …", *said[-20:]]
        self.lines += ["```text", f"$ {command}", *said, "```", "", f"{seconds:.0f} s", ""]
        self.minutes.append((command, seconds))
        print(f"   {seconds:5.0f} s  {command}", flush=True)

    def write(self) -> None:
        table = [f"| `{command}` | {seconds:.0f} |" for command, seconds in self.minutes if seconds >= 1]
        top = [
            "# Proof of installing and upgrading",
            "",
            "Written by `make deploy-proof`; do not edit. A Debian 12 of debootstrap's smallest kind (no",
            "nginx, no Python), booted with its own systemd (systemd-nspawn), with no network but loopback.",
            f"Commands are those of [operations.md](operations.md), in its order; `NAME` is `{HOST}`.",
            "Two cores, shared with other work.",
            "",
            f"The whole took {(time.monotonic() - self.begun) / 60:.0f} minutes.",
            "",
            "| command | seconds |",
            "| --- | --- |",
            *table,
        ]
        KEPT.write_text("\n".join([*top, *self.lines]).rstrip() + "\n", "utf-8")


def make_bundle(paper: Paper, source: Path, out: Path, key: Path, packages: Path | None) -> Path:
    """Run `make bundle` in a checkout; return the file."""
    shutil.rmtree(out, ignore_errors=True)
    environment = os.environ | {"SIGNING_KEY": str(key), "PYTHONS": "3.11", "OUT": str(out)}
    if packages:
        environment["PACKAGES"] = str(packages)
    begun = time.monotonic()
    done = subprocess.run(
        ["make", "--no-print-directory", "bundle"],
        cwd=source,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)
    paper.command("make bundle", done.stdout.replace(f"{out}/", ""), time.monotonic() - begun)
    return next(out.glob("registry-*.tar.gz"))


def make_next_version() -> Path:
    """Return a checkout with one commit more, which changes the tables."""
    place = FOLDER / "next"
    shutil.rmtree(place, ignore_errors=True)
    subprocess.run(["git", "clone", "--quiet", "--shared", ROOT, place], check=True)
    (place / ".venv").symlink_to(ROOT / ".venv")
    last = sorted((place / "registry" / "migrations").glob("0*.py"))[-1].stem
    made = place / "registry" / "migrations" / "9999_proof.py"
    made.write_text(NEXT_MIGRATION.replace("0002_guards", last))
    settings = ("-c", "user.name=proof", "-c", "user.email=proof@localhost")
    for command in (("add", "-A"), (*settings, "commit", "-qm", "Change the tables, for the proof")):
        subprocess.run(["git", "-C", place, *command], check=True)
    return place


def run_section(paper: Paper, box: Box, section: str, place: str) -> str:
    """Run the boxes of a section of the page, from a folder on; return all that was said."""
    said = ""
    for command in (each.text for each in COMMANDS if each.section == section):
        if command.startswith("make ") or "--back" in command:
            continue
        line = command.replace("--host NAME", f"--host {HOST}")
        if "install.sh" in line and "--host" in line:
            line += " --signer /root/signer.pem"
        begun = time.monotonic()
        script = f"cd {place}; cd $(cat /root/here 2>/dev/null || echo .); {line} || exit; pwd >/root/here"
        output = box.run(script, ANSWERS.get(command, "")).stdout
        paper.command(
            command, re.sub(r"(一次性密码:)\S+", r"\1(不在此保存)", output), time.monotonic() - begun
        )
        said += output
    box.run("rm -f /root/here")
    return said


def fingerprint(box: Box) -> str:
    """Return what a second run must not change: settings, secrets, certificate, data."""
    return box.run(
        "cd /etc/registry && sha256sum owner.env tls/* && grep KEY registry.env | sha256sum"
    ).stdout


def clients(box: Box, *arguments: str) -> subprocess.Popen[str]:
    """Start our clients on the box's network."""
    command = [sys.executable, "-m", "tests.deploy.clients", str(PORT), HOST, "guanli", *arguments]
    return subprocess.Popen(
        box.inside(*command, network_only=True),
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def with_clients(paper: Paper, box: Box, command: str, place: str) -> None:
    """Run a command of the page while four clients work; none may go without an answer."""
    at_work = clients(box, PASSWORD, str(CLIENTS))
    assert at_work.stdout is not None
    assert at_work.stdout.readline() == "begun\n"
    time.sleep(3)
    begun = time.monotonic()
    output = box.run(f"cd {place}; {command}").stdout
    paper.command(command, output, time.monotonic() - begun)
    time.sleep(3)
    seconds = time.monotonic() - begun + 3
    result = json.loads(at_work.communicate("")[0].splitlines()[-1])
    paper.say(
        f"{CLIENTS} clients meanwhile, {seconds:.0f} s: {sum(result['answers'].values())} requests, answered "
        f"with {result['answers']}; the longest answer took {result['longest']} s."
    )
    odd = {each for each in result["answers"] if each not in ("200", "302")}
    if odd:
        raise RuntimeError(f"not all were answered: {result}")


def version_of(box: Box) -> str:
    return box.run("basename $(readlink /opt/registry/current)").stdout.strip()


def prove(paper: Paper, box: Box) -> None:
    """The whole way."""
    packages, key = FOLDER / "packages", FOLDER / "key.pem"
    paper.head("Make two bundles, on a machine with internet")
    paper.say(
        "With `SIGNING_KEY=`, `PYTHONS=3.11`, and `PACKAGES=` as `deploy/packages.sh --postgresql` made it."
    )
    if not packages.exists():
        subprocess.run(["deploy/packages.sh", "--postgresql", packages], cwd=ROOT, check=True)
    subprocess.run(
        ["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key], check=True
    )
    first = make_bundle(paper, ROOT, FOLDER / "first", key, packages)
    second = make_bundle(paper, make_next_version(), FOLDER / "second", key, None)

    paper.head("A bare server")
    box.make()
    for place, file in (("root/a", first), ("root/b", second)):
        (box.root / place).mkdir()
        shutil.copy(file, box.root / place)
    public = subprocess.run(
        ["openssl", "pkey", "-in", key, "-pubout"], check=True, capture_output=True
    ).stdout
    (box.root / "root/signer.pem").write_bytes(public)
    box.boot()
    for command in (
        "systemctl is-system-running",
        "cat /proc/net/dev | grep :",
        "for each in nginx python3 psql openssl; do type $each; done || true",
    ):
        paper.command(command, box.run(command).stdout, 0)

    paper.head("Install")
    said = run_section(paper, box, "Install", "/root/a")
    password = re.findall(r"一次性密码:(\S+)", said)[-1]
    kept = fingerprint(box)
    seen = clients(box, password, "0", PASSWORD).communicate()[0]
    if "Strict-Transport" not in seen and "max-age" not in seen:
        raise RuntimeError(seen)
    paper.say(f"Through nginx, on port {PORT}, as a browser does:")
    paper.lines += ["```text", *seen.splitlines(), "```", ""]
    again = next(each.text for each in COMMANDS if "install.sh --port" in each.text)
    begun = time.monotonic()
    before = version_of(box)
    paper.command(again, box.run(f"cd /root/a/registry-*/; {again}").stdout, time.monotonic() - begun)
    if fingerprint(box) != kept:
        raise RuntimeError("a second run changed secrets or certificate")
    paper.say("Run again it changed neither secrets nor the certificate.")
    odd = box.run("systemctl --failed --no-legend --plain").stdout.strip()
    if odd:
        raise RuntimeError(odd)

    paper.head("Upgrade, with four clients at work")
    unpack, upgrade, back = (each.text for each in COMMANDS if each.section == "Upgrade")
    begun = time.monotonic()
    paper.command(unpack, box.run(f"cd /root/b; {unpack}").stdout, time.monotonic() - begun)
    with_clients(paper, box, upgrade, "/root/b/registry-*/")
    after = version_of(box)
    if after == before:
        raise RuntimeError("the version did not change")
    count = "SELECT count(*) FROM pg_class WHERE relname = 'registry_proof'"
    table = f'runuser -u postgres -- psql -Atc "{count}" registry'
    if box.run(table).stdout.strip() != "1":
        raise RuntimeError("the tables did not change")

    paper.head("Back in one step, with four clients at work")
    with_clients(paper, box, back, "/root")
    if version_of(box) != before or box.run(table).stdout.strip() != "0":
        raise RuntimeError("it did not go back")
    paper.say(f"`/opt/registry/current` is {before} again, and the table that {after} had added is gone.")

    paper.head("A version whose tables cannot be made goes back by itself")
    paper.say(
        "Its migration makes a table and then divides by zero. It is not signed, so the key is removed first."
    )
    box.run(
        "cd /root/b/registry-*/ && echo broken-1 >VERSION && "
        "echo '    operations += [migrations.RunSQL(\"SELECT 1/0\")]' >>registry/migrations/9999_proof.py && "
        "rm SHA256SUMS* && find . -type f -print0 | xargs -0 sha256sum >/tmp/l && mv /tmp/l SHA256SUMS && "
        "rm /etc/registry/signer.pem"
    )
    begun = time.monotonic()
    done = box.run(f"cd /root/b/registry-*/; {upgrade} --without-backup", check=False)
    paper.command(f"{upgrade} --without-backup", done.stdout, time.monotonic() - begun)
    if done.returncode == 0 or version_of(box) != before:
        raise RuntimeError("a broken version serves")

    paper.head("When something is wrong")
    run_section(paper, box, "When something is wrong", "/root")


def main() -> int:
    """Prove it; the page is written only when all of it held."""
    need()
    paper, box = Paper(), Box(FOLDER)
    try:
        prove(paper, box)
    finally:
        if "KEEP" not in os.environ:
            box.stop()
    paper.write()
    print(f"Kept in {KEPT.relative_to(ROOT)} ({PAGE.name} was run in its order)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
