"""docs/operations.md is true: every command of it is run, and what it names is there.

A command is held by one of two. Either it is run here, in the order of the page, against a registry of its
own (`sudo registry …`, whose folders are put into a temporary one), or it stands word for word, with exit
status 0, in a kept proof: a page in docs/ that a `make …-proof` wrote while it ran the boxes of this page.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.deploy.conftest import PLACES, Installed

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "operations.md"
SECTIONS = (
    "Install",
    "Upgrade",
    "Backup and restore",
    "From SQLite to PostgreSQL",
    "A second server",
    "How it is",
    "When something is wrong",
    "How this page is kept true",
)
PROOF_LINE = re.compile(r"^\$ (.+)$", re.MULTILINE)
"""A command in a kept proof, which stops at the first that fails."""


ANSWERS = {"sudo registry setup": "德州市公安局\n德州市局\n\n371400\nguanli\n张三\n"}
"""What is typed where a command asks."""


class Command(NamedTuple):
    """One command of a box, and the section in which the box stands."""

    section: str
    text: str


def read_commands(page: str) -> Iterator[Command]:
    """Yield the commands of all boxes in the order of the page; a line that ends with a backslash goes on."""
    section, is_box, held = "", False, ""
    for line in page.splitlines():
        if line.startswith("```"):
            is_box = line.strip() == "```sh"
        elif line.startswith("## "):
            section = line.removeprefix("## ")
        elif is_box and line.strip() and not line.startswith("#"):
            if line.endswith("\\"):
                held += line[:-1].rstrip() + " "
                continue
            yield Command(section, held + line.strip())
            held = ""


COMMANDS = list(read_commands(PAGE.read_text("utf-8")))


def proven() -> set[str]:
    """Return every command that a kept proof ran."""
    return {
        line
        for page in (ROOT / "docs").glob("*-proof.md")
        for line in PROOF_LINE.findall(page.read_text("utf-8"))
    }


def is_run_here(command: Command) -> bool:
    return command.text.startswith("sudo registry ") and command.text not in proven()


def test_the_page_has_its_sections_in_order() -> None:
    assert tuple(re.findall(r"^## (.+)$", PAGE.read_text("utf-8"), re.MULTILINE)) == SECTIONS


def test_every_box_says_of_which_kind_it_is() -> None:
    fences = re.findall(r"^```(.*)$", PAGE.read_text("utf-8"), re.MULTILINE)
    assert set(fences[::2]) <= {"sh", "text", "ini"}
    assert set(fences[1::2]) <= {""}


def test_a_box_is_read_in_lines_and_goes_on_after_a_backslash() -> None:
    page = "## A\n```sh\n# a remark\none \\\n  --two\nthree\n```\n```text\nnot run\n```\n"
    assert list(read_commands(page)) == [Command("A", "one --two"), Command("A", "three")]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.text[:60])
def test_what_a_command_names_is_there(command: Command) -> None:
    """Files of the project, units of systemd, targets of make, options of our scripts."""
    subprocess.run(["bash", "-n", "-c", command.text], check=True)
    words = shlex.split(command.text, comments=True)
    for script in (word for word in words if word.startswith("deploy/")):
        text = (ROOT / script).read_text("utf-8")
        options = words[words.index(script) :]
        assert [each for each in options if each.startswith("--") and each not in text] == []
    for unit in re.findall(r"\bregistry-\w+(?:\.(?:service|timer|socket))?", command.text):
        assert list((ROOT / "deploy" / "systemd").glob(f"{unit}*")), unit
    if words[0] == "make":
        makefile = (ROOT / "Makefile").read_text("utf-8")
        targets = [each for each in words[1:] if "=" not in each]
        assert [each for each in targets if not re.search(rf"^{each}\b.*:", makefile, re.MULTILINE)] == []


@pytest.mark.parametrize(
    "command", [each for each in COMMANDS if not is_run_here(each)], ids=lambda command: command.text[:60]
)
def test_what_is_not_run_here_stands_in_a_kept_proof(command: Command) -> None:
    """Run the proof of its section anew (`make deploy-proof` for Install and Upgrade) when this fails."""
    assert command.text in proven()


@pytest.mark.look
def test_what_is_run_here_ends_well(installed: Installed) -> None:
    """`sudo registry …`, one after the other, as the services run: on an empty SQLite, in its own folders."""
    for command in [each.text for each in COMMANDS if is_run_here(each)]:
        line = re.sub(r"sudo registry (--owner )?", "registry ", command)
        for place, name in PLACES.items():
            line = line.replace(place, str(installed.root / name))
        done = subprocess.run(
            [
                *("bash", "-c"),
                f'registry() {{ "{sys.executable}" "{ROOT}/manage.py" "$@"; }}; set -e; {line}',
            ],
            cwd=installed.root,
            env=installed.environment,
            input=ANSWERS.get(command, ""),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
