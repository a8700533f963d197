"""`make backup-proof`: the boxes of docs/operations.md about backups and databases, run and kept.

Run by root on a Debian with PostgreSQL's programs. It starts a server of its own, configured as Debian does,
in a temporary folder: the folders of the page are put below it, `sudo` and `systemctl` are shell functions,
and the words in capitals are filled in. The first command that fails ends it. Takes a quarter of an hour.
With the SQLite file of a region (ARGS=) it only measures that, on a page of its own.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
KEPT, OF_REGION = ROOT / "docs" / "backup-proof.md", ROOT / "docs" / "backup-proof-region.md"
LONGEST = 30
"""So many lines of what a command says are kept."""

FUNCTIONS = """
set -euo pipefail
sudo() {{ if [[ $1 == -u ]]; then shift 2; runuser -u postgres -- env PGHOST={root} PGPORT={port} "$@"
  else PGHOST={root} PGPORT={port} "$@"; fi; }}
install() {{ command install "$@"; }}
systemctl() {{ if [[ $2 == postgresql ]]; then cd /
  runuser -u postgres -- {bin}/pg_ctl -s -w -D {root}/main -l {root}/log "$1" ${{3-}}; fi; }}
registry() {{ local owner=; if [[ $1 == --owner ]]; then shift; owner={root}/etc/owner.env; fi
  (set -a; source {root}/etc/registry.env; [[ -z $owner ]] || source $owner
  cd {code}; exec {python} manage.py "$@"); }}
psql() {{ {bin}/psql "$@"; }}
""".strip()

SETTINGS = """
DATABASE_URL=sqlite:///{root}/data/registry.sqlite3
SECRET_KEY=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
SEAL_KEY=fedcba9876543210fedcba9876543210
WALL_KEY=for-debugging-only-walled-logbooks
FILES_DIR={root}/data/files
SEAL_COPY={root}/data/seals.txt
BACKUP_DIR={root}/backups/registry
ALLOWED_HOSTS=localhost
"""


class Proof:
    """A server of its own, and the page that is kept."""

    def __init__(self, root: Path) -> None:
        self.root, self.lines, self.table = root, list[str](), list[tuple[str, float]]()
        self.bin = max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.words = {"OWNER_PASSWORD": "yongyouzhe2020", "SERVING_PASSWORD": "fuwu2020"}

    def places(self) -> dict[str, str]:
        """Where the folders and addresses of the page are here."""
        return {
            "/var/backups/": f"{self.root}/backups/",
            "/var/lib/postgresql/15/main": f"{self.root}/main",
            "/usr/lib/postgresql/15/bin": str(self.bin),
            "/var/lib/registry": f"{self.root}/data",
            "/etc/registry": f"{self.root}/etc",
            **dict([self.code()]),
            "/media/backup": f"{self.root}/media",
            "@127.0.0.1/": f"@127.0.0.1:{self.port}/",
        }

    def code(self) -> tuple[str, str]:
        """Where the program is on the page, and here."""
        return "/opt/registry/current", str(self.root / "code")

    def begin(self) -> None:
        """Make the folders and the server."""
        self.root.chmod(0o755)
        for name in ("data/files", "etc", "media", "backups", "code/deploy"):
            (self.root / name).mkdir(parents=True)
        shutil.copy(ROOT / "deploy" / "roles.sql", self.root / "code" / "deploy")
        shutil.chown(self.root, "postgres")
        (self.root / "etc" / "registry.env").write_text(SETTINGS.format(root=self.root))
        self.shell(
            f"runuser -u postgres -- {self.bin}/initdb -D {self.root}/main -E UTF8 --locale=C.UTF-8 "
            "--auth-local=peer --auth-host=scram-sha-256 > /dev/null"
        )
        with (self.root / "main" / "postgresql.conf").open("a") as file:
            file.write(f"port = {self.port}\nlisten_addresses = '127.0.0.1'\n")
            file.write(f"unix_socket_directories = '{self.root}'\n")
        self.shell("systemctl start postgresql")

    def shell(self, command: str) -> str:
        """Run a command; return what it says. Raises ``RuntimeError`` when it fails."""
        head = FUNCTIONS.format(
            root=self.root, port=self.port, bin=self.bin, code=ROOT, python=sys.executable
        )
        with tempfile.TemporaryFile("w+") as out:  # a server that goes on would hold a pipe open
            done = subprocess.run(
                ["bash", "-c", f"{head}\n{command}"],
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env={**os.environ, "LC_ALL": "C.UTF-8", "PATH": f"{os.environ['PATH']}:{self.bin}"},
                check=False,
            )
            out.seek(0)
            said = out.read()
        if done.returncode:
            raise RuntimeError(f"{command}\n{said}")
        return said

    def run(self, command: str, *, is_of_the_page: bool = True) -> str:
        """Run a command of the page as it stands there, and keep what it says."""
        mapped = command
        for place, here in self.places().items():
            mapped = mapped.replace(place, here)
        for word, value in self.words.items():
            mapped = re.sub(rf"\b{word}\b", value, mapped)
        begun = time.monotonic()
        said = self.shell(mapped)
        seconds = time.monotonic() - begun
        for place, here in self.places().items():
            said = said.replace(here, place)
        lines = [line.rstrip() for line in said.splitlines()]
        if len(lines) > LONGEST:
            lines = [*lines[: LONGEST - 5], f"… {len(lines) - LONGEST} lines …", *lines[-5:]]
        self.lines += ["```text", f"{'$' if is_of_the_page else '#'} {command}", *lines, "```", ""]
        if seconds >= 1:
            self.table.append((command, seconds))
        print(f"{seconds:6.1f} s  {command}\n{said}", flush=True)
        return said

    def head(self, text: str, said: str) -> None:
        self.lines += ["", f"## {text}", "", said, ""]

    def user_names(self) -> set[str]:
        """The users that the database knows."""
        return set(
            self.shell('sudo -u postgres psql -At registry -c "SELECT username FROM registry_user"').split()
        )

    def write(self, kept: Path) -> None:
        """Write the page."""
        version = self.shell(f"{self.bin}/postgres --version").strip()
        top = [
            "# Proof of backups, of the way back, and of the way to PostgreSQL",
            "",
            "Written by `make backup-proof`; do not edit. The commands are those of",
            f"[operations.md](operations.md), run against a {version} of its own,",
            "as Debian configures it; folders, port and words in capitals are filled in; `systemctl` acts",
            "on PostgreSQL alone. Lines with `#` are the proof's own. Two cores, shared with other work:",
            "the seconds are an upper bound.",
            "",
            "| command | seconds |",
            "| --- | --- |",
            *[
                f"| `{command[:110].replace('|', chr(92) + '|')}` | {seconds:.0f} |"
                for command, seconds in self.table
            ],
        ]
        kept.write_text("\n".join([*top, *self.lines]).rstrip() + "\n", "utf-8")


def boxes(section: str, part: str = "") -> list[str]:
    """The commands of a section of the page, or of a part of it."""
    from tests.deploy.test_operations import PAGE, read_commands

    text = PAGE.read_text("utf-8").split(f"\n## {section}\n")[1].split("\n## ")[0]
    parts = re.split(r"^### (.+)$", text, flags=re.MULTILINE)
    chosen = parts[0] if not part else parts[parts.index(part) + 1]
    return [each.text for each in read_commands(f"## {section}\n{chosen}")]


def measure(proof: Proof, region: Path) -> None:
    """Move a region that was made before (benchmarks.country), and back it up; on a page of its own."""
    shutil.copy(region, proof.root / "data" / "region.sqlite3")
    proof.shell("sudo -u postgres psql -q -f /opt/registry/current/deploy/roles.sql".replace(*proof.code()))
    password = f"ALTER ROLE registry_owner PASSWORD '{proof.words['OWNER_PASSWORD']}'"
    proof.shell(f'sudo -u postgres psql -q -c "{password}"')
    proof.shell("sudo -u postgres createdb -O registry_owner region")
    proof.head("A region", "4,000 units, 100,000 people, by `python -m benchmarks.country --scale region`.")
    size = (proof.root / "data" / "region.sqlite3").stat().st_size / 1e6
    proof.lines += [f"The SQLite file has {size:,.0f} MB.", ""]
    url = f"postgres://registry_owner:{proof.words['OWNER_PASSWORD']}@127.0.0.1:{proof.port}/region"
    keys = "SEAL_KEY=for-debugging-only-never-used-when-debug-is-off"  # with which the bench sealed it
    (proof.root / "etc" / "owner.env").write_text(f"DATABASE_URL={url}\nSEAL_COPY=\n{keys}\n")
    proof.run("sudo registry --owner move_to_postgres /var/lib/registry/region.sqlite3", is_of_the_page=False)
    proof.run("sudo registry --owner backup --prove /var/backups/registry/region", is_of_the_page=False)


def main() -> None:
    region = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    with tempfile.TemporaryDirectory(prefix="backup-proof-", dir="/var/tmp") as folder:
        proof = Proof(Path(folder))
        proof.begin()
        try:
            if region is not None:
                measure(proof, region)
            else:
                prove(proof)
            proof.write(OF_REGION if region is not None else KEPT)
        finally:
            proof.shell("systemctl stop postgresql '-m immediate'")


def prove(proof: Proof) -> None:
    """Run everything, in the order of a bureau's life: a trial on SQLite, then PostgreSQL."""
    proof.shell("registry migrate -v0")
    proof.shell("DEBUG=1 registry demo; registry sealaudit")
    proof.head("From SQLite to PostgreSQL", "The demo's data.")
    for command in boxes("From SQLite to PostgreSQL"):
        proof.run(command)

    proof.head("A backup, a copy of it, and its restoration", "On PostgreSQL, with the least right.")
    backup, copy, check = boxes("Backup and restore")
    said = proof.run(backup)
    proof.words["BACKUP"] = re.findall(r"已备份到 \S+/(registry-[\d-]+):", said)[-1]
    proof.run(copy)
    proof.run(check)
    before = proof.user_names()
    for command in boxes("Backup and restore", "Restore"):
        proof.run(command)
    assert proof.user_names() == before

    proof.head(
        "To the minute before a mistake",
        "Two acts: `first` is added before the moment to which the server goes back, `second` after it.",
    )
    once, weekly, back = split(boxes("Backup and restore", "To the minute before a mistake (PostgreSQL)"))
    for command in once:
        proof.run(command)
    proof.words["DAY"] = f"{datetime.now().astimezone():%Y%m%d}"
    for command in weekly:
        proof.run(command)
    password = "DJANGO_SUPERUSER_PASSWORD=Shou-ci-2020-bis"
    add = f"{password} registry createsuperuser --no-input --username {{0}} --name {{0}}"
    proof.run(add.format("first"), is_of_the_page=False)
    time.sleep(2)
    proof.words["MOMENT"] = f"{datetime.now().astimezone():%Y-%m-%d %H:%M:%S.%f%z}"
    proof.lines += [f"`MOMENT` is {proof.words['MOMENT']}.", ""]
    time.sleep(2)
    proof.run(add.format("second"), is_of_the_page=False)
    assert {"first", "second"} <= proof.user_names()
    for command in back:
        proof.run(command)
    asked = "SELECT username FROM registry_user WHERE username IN ('first', 'second')"
    proof.run(f'sudo -u postgres psql -At registry -c "{asked}"', is_of_the_page=False)
    assert {"first", "second"} & proof.user_names() == {"first"}
    proof.lines += ["The first act is there, the second is not.", ""]


def split(commands: list[str]) -> tuple[list[str], list[str], list[str]]:
    """What is done once, every week, and to go back."""
    weekly = next(place for place, each in enumerate(commands) if "pg_basebackup" in each)
    back = next(place for place, each in enumerate(commands) if "systemctl stop registry-web" in each)
    return commands[:weekly], commands[weekly:back], commands[back:]


if __name__ == "__main__":
    main()
