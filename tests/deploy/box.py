"""A bare Debian that is booted for a proof, without a network: debootstrap and systemd-nspawn, as root."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

CODENAME = "bookworm"
SOURCE = "http://deb.debian.org/debian"
SUDO = 'sudo() { if [[ $1 == -u ]]; then runuser -u "$2" -- "${@:3}"; else "$@"; fi; }'
"""A bare system has none; root needs none."""
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"


def need() -> None:
    """Raise ``SystemExit`` where it cannot be done, and say why."""
    if os.geteuid() != 0:
        raise SystemExit("The proof boots a system: run it as root.")
    missing = [name for name in ("debootstrap", "systemd-nspawn", "nsenter") if not shutil.which(name)]
    if missing:
        raise SystemExit(f"apt-get install debootstrap systemd-container util-linux: {missing} missing.")


class Box:
    """One machine: a folder with a system in it, booted with its own systemd and no network but its own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.root = folder, folder / "root"
        self._nspawn: subprocess.Popen[bytes] | None = None
        self._leader = 0

    def make(self) -> None:
        """Make the system anew; what debootstrap fetched is kept beside it."""
        kept = self.folder / f"{CODENAME}.tar"
        self.folder.mkdir(parents=True, exist_ok=True)
        if not kept.exists():
            fresh = self.folder / "fresh"
            shutil.rmtree(fresh, ignore_errors=True)
            packages = "--include=systemd,systemd-sysv,dbus,openssl"
            subprocess.run(
                ["debootstrap", "--variant=minbase", packages, CODENAME, fresh, SOURCE],
                check=True,
                stdout=subprocess.DEVNULL,
            )
            subprocess.run(["tar", "-C", fresh, "-cf", kept, "."], check=True)
            shutil.rmtree(fresh)
        shutil.rmtree(self.root, ignore_errors=True)
        self.root.mkdir()
        subprocess.run(["tar", "-C", self.root, "-xf", kept], check=True)

    def boot(self) -> None:
        """Boot it, and wait until systemd says that it runs."""
        self._nspawn = subprocess.Popen(
            [
                *("systemd-nspawn", "--quiet", "-D", self.root, "--machine=registry-proof"),
                *("--register=no", "--keep-unit", "--private-network", "--boot"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        for _ in range(300):
            time.sleep(0.2)
            children = Path(f"/proc/{self._nspawn.pid}/task/{self._nspawn.pid}/children").read_text().split()
            if children:
                self._leader = int(children[0])
                said = self.run("systemctl is-system-running", check=False).stdout.strip()
                if said in ("running", "degraded"):
                    return
        raise RuntimeError("the box did not boot")

    def inside(self, *command: str, network_only: bool = False) -> list[str]:
        """Return how to run a command in the box, or one of ours on its network."""
        where = ["-n"] if network_only else ["-a"]
        clean = [] if network_only else ["env", "-i", f"PATH={PATH}", "HOME=/root", "LC_ALL=C.UTF-8"]
        return ["nsenter", "-t", str(self._leader), *where, *clean, *command]

    def run(self, script: str, typed: str = "", *, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a script in the box; all that it says is in ``stdout``."""
        done = subprocess.run(
            self.inside("bash", "-c", f"exec 2>&1; {SUDO}; {script}"),
            input=typed,
            capture_output=True,
            text=True,
            check=False,
        )
        if check and done.returncode:
            raise RuntimeError(f"{script}\n{done.stdout}{done.stderr}")
        return done

    def stop(self) -> None:
        """Turn it off."""
        if self._nspawn is None:
            return
        self.run("systemctl poweroff --force --force", check=False)
        try:
            self._nspawn.wait(20)
        except subprocess.TimeoutExpired:
            self._nspawn.kill()
            self._nspawn.wait()
        self._nspawn = None
