"""The units of systemd, the scripts and the container files are sound, and say what is so."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]
from django.core.management import get_commands, load_command_class

ROOT = Path(__file__).resolve().parents[2]
UNITS = sorted((ROOT / "deploy" / "systemd").iterdir())
SERVICES = [unit for unit in UNITS if unit.suffix == ".service"]
PYTHON = "/opt/registry/current/.venv/bin/python"
CANNOT_BE_VERIFIED = shutil.which("systemd-analyze") is None and os.environ.get("CI") != "true"


def name_of(path: Path) -> str:
    return path.name


def values(unit: Path, key: str) -> list[str]:
    return re.findall(rf"^{key}=(.*)$", unit.read_text("utf-8"), re.MULTILINE)


@pytest.mark.skipif(CANNOT_BE_VERIFIED, reason="needs systemd-analyze: apt-get install systemd")
def test_systemd_takes_the_units_without_a_word(tmp_path: Path) -> None:
    python = tmp_path / PYTHON.lstrip("/")
    for program in (python, tmp_path / "bin/bash", tmp_path / "usr/bin/bash"):
        program.parent.mkdir(parents=True, exist_ok=True)
        program.touch(mode=0o755)
    place = tmp_path / "etc/systemd/system"
    place.mkdir(parents=True)
    for unit in UNITS:
        shutil.copy(unit, place)
    for target in ("multi-user", "sockets", "timers", "network", "sysinit", "basic", "shutdown"):
        (place / f"{target}.target").write_text("[Unit]\nDescription=a target\n")
    done = subprocess.run(
        ["systemd-analyze", f"--root={tmp_path}", "verify", *(f"{place}/{unit.name}" for unit in UNITS)],
        capture_output=True,
        text=True,
        check=False,
    )
    ours = [line for line in (done.stdout + done.stderr).splitlines() if "registry-" in line]
    assert ours == []


@pytest.mark.parametrize("unit", SERVICES, ids=name_of)
def test_a_service_runs_what_is_there_as_a_user_with_few_rights(unit: Path) -> None:
    command = shlex.split(values(unit, "ExecStart")[0])
    assert command[0] == PYTHON
    if command[1] == "manage.py":
        load_command_class(get_commands()[command[2]], command[2])
    else:
        assert command[1:] == ["-m", "gunicorn", "partybuild.wsgi"]
    assert values(unit, "User") == ["registry"]
    assert values(unit, "WorkingDirectory") == ["/opt/registry/current"]
    assert values(unit, "EnvironmentFile") == ["/etc/registry/registry.env"]
    for key, expected in (
        ("NoNewPrivileges", "true"),
        ("ProtectSystem", "strict"),
        ("CapabilityBoundingSet", ""),
        ("UMask", "0077"),
    ):
        assert values(unit, key) == [expected], key
    if values(unit, "Type") != ["oneshot"]:
        assert values(unit, "Restart") == ["always"]


def test_every_timer_has_its_service_and_is_made_up_for() -> None:
    timers = [unit for unit in UNITS if unit.suffix == ".timer"]
    assert {timer.with_suffix(".service") for timer in timers} <= set(SERVICES)
    assert all(values(timer, "Persistent") == ["true"] for timer in timers)


def test_a_stop_waits_longer_than_the_longest_page() -> None:
    conf = (ROOT / "gunicorn.conf.py").read_text("utf-8")
    assert 'graceful_timeout = 10 + env.integer("STATEMENT_SECONDS", default=30' in conf
    assert int(values(ROOT / "deploy/systemd/registry-web.service", "TimeoutStopSec")[0]) > 40


def test_nginx_and_the_registry_take_bodies_of_one_size() -> None:
    from django.conf import settings

    said = re.search(
        r"client_max_body_size (\d+)m;", (ROOT / "deploy/nginx/registry.conf").read_text("utf-8")
    )
    assert said is not None
    assert int(said[1]) * 1024 * 1024 == settings.MAX_BODY_BYTES


SCRIPTS = [*sorted((ROOT / "deploy").rglob("*.sh")), ROOT / "deploy" / "registry"]


@pytest.mark.parametrize("script", SCRIPTS, ids=name_of)
def test_a_script_stops_at_its_first_fault(script: Path) -> None:
    text = script.read_text("utf-8")
    if script.name == "lib.sh":
        return  # only ever a part of the others
    assert text.startswith("#!/usr/bin/env bash\n")
    assert "\nset -euo pipefail\n" in text
    assert script.stat().st_mode & 0o111


def test_install_says_what_is_wrong_before_it_changes_anything(tmp_path: Path) -> None:
    for arguments, said in (
        (["--port"], "--port 后面缺少内容"),
        (["--colour", "red"], "不认识 --colour"),
        (["--host", "https://a.example"], "--host https://a.example 不是主机名或地址"),
    ):
        done = subprocess.run(
            ["bash", str(ROOT / "deploy/install.sh"), *arguments], capture_output=True, text=True, check=False
        )
        assert done.returncode == 1
        assert said in done.stderr


def test_a_bundle_with_a_changed_or_added_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "wheels").mkdir()
    for name, text in (("VERSION", "1"), ("BUNDLE", "pythons=3.11\narch=x86_64\n"), ("wheels/a.whl", "a")):
        (tmp_path / name).write_text(text)
    listed = "find . -type f ! -name SHA256SUMS -print0 | sort -z | xargs -0 sha256sum >SHA256SUMS"
    subprocess.run(["bash", "-c", listed], cwd=tmp_path, check=True)

    def check(signer: str = "") -> subprocess.CompletedProcess[str]:
        script = f'source "{ROOT}/deploy/lib.sh"; check_bundle "{tmp_path}" "{signer}"'
        return subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)

    whole = check()
    assert (whole.returncode, "安装包没有签名" in whole.stdout) == (0, True)
    key, public = tmp_path.with_suffix(".key"), tmp_path.with_suffix(".pem")
    for command in (
        f"openssl ecparam -name prime256v1 -genkey -noout -out {key}",
        f"openssl pkey -in {key} -pubout -out {public}",
    ):
        subprocess.run(command.split(), check=True, capture_output=True)
    assert "安装包没有签名" in check(str(public)).stderr
    sign = f"openssl dgst -sha256 -sign {key} -out {tmp_path}/SHA256SUMS.sig {tmp_path}/SHA256SUMS"
    subprocess.run(sign.split(), check=True)
    assert "签名与" in check(str(public)).stdout
    (tmp_path / "SHA256SUMS").write_bytes((tmp_path / "SHA256SUMS").read_bytes() + b"\n")
    assert check(str(public)).returncode == 1
    subprocess.run(["bash", "-c", listed], cwd=tmp_path, check=True)
    (tmp_path / "wheels/a.whl").write_text("b")
    assert "./wheels/a.whl" in check().stderr
    (tmp_path / "wheels/a.whl").write_text("a")
    (tmp_path / "wheels/evil.whl").write_text("c")
    assert "清单以外的文件:./wheels/evil.whl" in check().stderr


def test_an_environment_file_is_read_and_nothing_in_it_is_run(tmp_path: Path) -> None:
    file = tmp_path / "registry.env"
    file.write_text('# a remark\nONE=a b&c\nTWO="q $(touch hurt)"\nbad line\nTHREE=x=y\n')
    script = (
        f'source "{ROOT}/deploy/lib.sh"; read_environment "{file}"; printf "%s|%s|%s" "$ONE" "$TWO" "$THREE"'
    )
    said = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert said.stdout == "a b&c|q $(touch hurt)|x=y"
    assert not (tmp_path / "hurt").exists()


def test_the_containers_are_made_of_what_is_there() -> None:
    """No container can be run here: `docker-compose config` took the file (but for the newer `name`)."""
    place = ROOT / "deploy" / "container"
    services = yaml.safe_load((place / "compose.yaml").read_text("utf-8"))["services"]
    assert list(services) == ["database", "migrate", "web", "worker", "nginx"]
    mounted = [each.split(":") for service in services.values() for each in service.get("volumes", ())]
    shipped = [source for source, *_rest in mounted if source.startswith(".") and source != "./tls"]
    assert [source for source in shipped if not (place / source).exists()] == []
    ours = [services[name] for name in ("migrate", "web", "worker")]
    assert all(service["cap_drop"] == ["ALL"] and service["read_only"] for service in ours)
    assert "registry_owner" in services["migrate"]["environment"]["DATABASE_URL"]
    for name in ("web", "worker"):
        assert "registry_serving" in services[name]["environment"]["DATABASE_URL"]
    asked = set(re.findall(r"\$\{(\w+)", (place / "compose.yaml").read_text("utf-8")))
    given = set(re.findall(r"^(\w+)=", (place / "env.example").read_text("utf-8"), re.MULTILINE))
    assert asked - given == {"VERSION"}
    copied = re.findall(
        r"^COPY (?!--from)(.+) \S+$", (place / "Containerfile").read_text("utf-8"), re.MULTILINE
    )
    assert [name for line in copied for name in line.split() if not (ROOT / name).exists()] == []


def test_a_python_that_the_bundle_brings_is_used_before_the_systems_own(tmp_path: Path) -> None:
    folder = tmp_path / "cpython-3.12" / "bin"
    folder.mkdir(parents=True)
    (folder / "python3").write_text("#!/bin/sh\necho ours\n")
    (folder / "python3").chmod(0o755)
    bundle = tmp_path / "bundle"
    (bundle / "python").mkdir(parents=True)
    (bundle / "BUNDLE").write_text("pythons=3.99 3.11\narch=x86_64\n")

    def found() -> str:
        places = f'source "{ROOT}/deploy/lib.sh"; HOME_DIR="{tmp_path}/opt"'
        script = f'{places}; find_python "{bundle}" && echo "$PYTHON"'
        done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
        return done.stdout.strip()

    assert found() in ("", shutil.which("python3.11"))  # what the machine has, of those the wheels are for
    archive = bundle / "python" / "cpython-3.12-x86_64.tar.gz"
    subprocess.run(["tar", "-czf", archive, "-C", tmp_path, "cpython-3.12"], check=True)
    for _ in range(2):  # unpacked once
        assert found() == f"{tmp_path}/opt/python/cpython-3.12-x86_64/bin/python3"


def test_a_version_brings_its_units_and_takes_those_of_another_away(tmp_path: Path) -> None:
    (tmp_path / "registry-later.timer").write_text("[Timer]\n")
    (tmp_path / "other.timer").write_text("[Timer]\n")
    places = f'source "{ROOT}/deploy/lib.sh"; UNITS="{tmp_path}"; systemctl() {{ echo "systemctl $*"; }}'

    def put() -> list[str]:
        script = f'set -euo pipefail; {places}; put_units "{ROOT}" 8001; echo "changed: $CHANGED"'
        done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
        return done.stdout.splitlines()

    assert put() == [
        "systemctl disable --quiet --now registry-later.timer",
        "systemctl daemon-reload",
        "changed: yes",
    ]
    names = {each.name for each in tmp_path.iterdir()}
    assert names == {unit.name for unit in UNITS} | {"other.timer", "registry-web.socket.d"}
    port = (tmp_path / "registry-web.socket.d" / "port.conf").read_text("utf-8")
    assert port == "[Socket]\nListenStream=\nListenStream=127.0.0.1:8001\n"
    assert put() == ["changed: "]
