"""Check that nothing sealed was changed or removed, that nothing was dated back, cut off or made anew.

What only the copy outside the database (``registry.audit.copies``) can show is asked of it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import connection
from django.utils import timezone

from registry.audit import copies, keys
from registry.audit.seals import FIRST, LATE, entry_digest, seal_digest, unsealed
from registry.models import AuditEntry, AuditProof, AuditSeal, SealedEntry, Unit, User, guards

CLOCK = timedelta(hours=1)
"""So far the clocks of servers may be apart, or be set back."""
STALE = timedelta(days=2)
"""After so long without a copy or a proof something is not running."""


@dataclass(frozen=True)
class Fault:
    """A fault of the seal with this number; without a number, of the record as a whole."""

    number: int | None
    message: str

    def __str__(self) -> str:
        return f"第 {self.number} 号封存:{self.message}" if self.number is not None else self.message


@dataclass
class Proof:
    """What a check has read, and what it proves."""

    seals: int = 0
    entries: int = 0
    newest: AuditSeal | None = None
    """The newest seal that is proven."""
    since: AuditSeal | None = None
    """From this seal on everything is sound; what it holds has been proven since it was made."""
    copied: int | None = None
    """The number of the newest seal that agrees with the copy outside."""
    faults: int = 0


def check_record(proof: Proof, known: str = "") -> Iterator[Fault]:
    """Yield every fault of the record, one seal in memory at a time, and count in ``proof``.

    ``known`` is the digest of some seal, written down elsewhere.
    """
    for fault in _faults(proof, known):
        proof.faults += 1
        yield fault


def _faults(proof: Proof, known: str) -> Iterator[Fault]:
    for name in guards.missing():
        yield Fault(None, f"数据库触发器 {name} 缺失、停用或被改写(guard missing)")
    walk = _Walk(proof, known)
    copied, faults = _copied()
    yield from faults
    for seal in _seals():
        found = list(walk.step(seal))
        expected = copied.pop(seal.number, None)
        if expected is not None and expected.digest == seal.digest:
            proof.copied = seal.number
        elif expected is not None:
            found.append(
                Fault(seal.number, "与库外另存的校验值不符,封存是后来重做的(sealed anew)"),
            )
        yield from found
        proof.seals += 1
        if found:
            proof.since = None
        elif walk.is_proven:
            proof.newest, proof.since = seal, proof.since or seal
    yield from walk.rest()
    if copied:
        yield _cut(list(copied.values()), walk)
    yield from _emptied(proof)


def _seals() -> Iterator[AuditSeal]:
    number = -1
    while chunk := list(AuditSeal.objects.filter(number__gt=number).order_by("number")[:500]):
        yield from chunk
        number = chunk[-1].number


class _Walk:
    """A walk through the seals in the order of their numbers."""

    def __init__(self, proof: Proof, known: str) -> None:
        self.proof, self.known = proof, known
        self.expected, self.previous = 1, FIRST
        self.is_proven = False
        self.found_known = False
        self.unknown: dict[str, list[int]] = {}
        self.times = _Times()

    def step(self, seal: AuditSeal) -> Iterator[Fault]:
        """Go to the next seal; one that our key did not make is no part of the chain."""
        self.is_proven = keys.proves(seal)
        if (keys.is_known(seal) and not self.is_proven) or not seal.key:
            yield Fault(seal.number, "不是用本系统的密钥做的,是伪造的或被改动(seal forged)")
            self.expected += seal.number == self.expected
        else:
            if not self.is_proven:
                self.unknown.setdefault(seal.key, []).append(seal.number)
            if seal.number != self.expected:
                missing = f"{self.expected}" + (
                    f" 至 {seal.number - 1}" if seal.number > self.expected + 1 else ""
                )
                yield Fault(seal.number, f"它之前的第 {missing} 号封存被删除(seal removed)")
            elif seal.previous != self.previous:
                yield Fault(seal.number, "与前一号封存不衔接,其一被改动(chain broken)")
            self.expected, self.previous = seal.number + 1, seal.digest
            self.found_known = self.found_known or seal.digest == self.known
        yield from self._members(seal)

    def _members(self, seal: AuditSeal) -> Iterator[Fault]:
        members = list(SealedEntry.objects.filter(seal=seal).select_related("entry").order_by("place"))
        self.proof.entries += len(members)
        gone = sorted(set(range(1, min(seal.count, len(members) + 100_000) + 1)) - {m.place for m in members})
        if gone:
            places = "、".join(str(place) for place in gone[:10])
            yield Fault(
                seal.number,
                f"应有 {seal.count} 条记录,少了 {len(gone)} 条(序位 {places}),被删除(entry removed)",
            )
        for member in members:
            if entry_digest(member.entry) != member.digest:
                yield Fault(seal.number, f"{_said(member.entry)}封存后被改动(entry changed)")
            elif why := self.times.wrong(member.entry.pk, member.entry.at, seal.made_at):
                yield Fault(seal.number, f"{_said(member.entry)}{why}")
        self.times.sealed(seal.made_at)
        if not gone and seal_digest(seal, [member.digest for member in members]) != seal.digest:
            yield Fault(seal.number, "校验值与所封存的记录不符,封存或记录被改动(seal changed)")

    def rest(self) -> Iterator[Fault]:
        """Yield what is wrong when all seals are read."""
        for name, numbers in self.unknown.items():
            yield Fault(
                numbers[0],
                f"连同其后共 {len(numbers)} 号是用另一把密钥({name or '无'})做的,没有给出那把密钥,"
                "不能证明;请把旧密钥也写入 SEAL_KEY(key unknown)",
            )
        if self.known and not self.found_known:
            yield Fault(
                self.expected - 1,
                f"没有校验值为 {self.known} 的封存,它在记下之后被改动或删除(known seal missing)",
            )
        now = timezone.now()
        for pk, at in unsealed().values_list("pk", "at").iterator(chunk_size=2000):
            if why := self.times.wrong(pk, at, now):
                yield Fault(None, f"尚未封存的记录 {pk}({timezone.localtime(at):%Y-%m-%d %H:%M}){why}")


@dataclass
class _Times:
    """Whether entries bear the time at which they were written, judged by their keys and by the seals."""

    highest: int = 0
    latest: datetime | None = None
    seals: list[tuple[int, datetime]] = field(default_factory=list)
    """The highest key that was sealed, and when, seal by seal."""

    def wrong(self, pk: int, at: datetime, sealed_at: datetime) -> str:
        """Return what is wrong with the time of an entry; nothing when it can be true."""
        if at > sealed_at + CLOCK:
            return "的时间晚于封存(dated forward)"
        if pk > self.highest:
            earliest = self.latest - CLOCK if self.latest is not None else None
            self.highest, self.latest = pk, max(at, self.latest or at)
        else:  # it was not there, or not committed, when a higher key was sealed
            passed = bisect_left(self.seals, pk, key=lambda seal: seal[0])
            earliest = self.seals[passed][1] - LATE if passed < len(self.seals) else None
        return "的时间早于在它之前写入的记录,是倒填的(dated back)" if earliest and at < earliest else ""

    def sealed(self, at: datetime) -> None:
        """Note the end of a seal."""
        self.seals.append((self.highest, at))


def _said(entry: AuditEntry) -> str:
    at = timezone.localtime(entry.at)
    return f"记录 {entry.pk}({at:%Y-%m-%d %H:%M} {entry.actor} {entry.verb} {entry.object_name})"


# --- The copy outside -----------------------------------------------------------------------------


def _copied() -> tuple[dict[int, copies.Noted], list[Fault]]:
    """Return what the copy says of each number, and what is wrong with the copy itself."""
    noted: dict[int, copies.Noted] = {}
    faults = []
    try:
        for line in copies.read_copy():
            if isinstance(line, int):
                faults.append(Fault(None, f"另存文件第 {line} 行不是本系统写的或被改动(copy changed)"))
            else:
                noted[line.number] = line
    except OSError as error:
        if AuditSeal.objects.exists():
            faults.append(Fault(None, f"另存文件 {copies.place()} 读不到:{error.strerror}(copy missing)"))
    return noted, faults


def _cut(left: list[copies.Noted], walk: _Walk) -> Fault:
    """Return the fault of seals that the copy knows and the database has no more."""
    last = max(left, key=lambda each: each.number)
    at = f"{timezone.localtime(last.made_at):%Y-%m-%d %H:%M}"
    if walk.expected == 1:
        return Fault(None, f"库外另存到第 {last.number} 号封存({at}),库中一个也没有:记录被清空(emptied)")
    return Fault(
        None,
        f"库外另存到第 {last.number} 号封存({at}),库中连续的只到第 {walk.expected - 1} 号:"
        f"记录被截去或删除了 {len(left)} 号(cut off)",
    )


def _emptied(proof: Proof) -> Iterator[Fault]:
    """Yield what shows by itself that the record, or its seals, were emptied."""
    first = AuditEntry.objects.order_by("pk").values_list("at", flat=True).first()
    if first is None and (Unit.objects.exists() or User.objects.exists()):
        yield Fault(None, "登记系统中有单位或用户,操作记录却是空的:记录被清空(emptied)")
    if proof.seals == 0 and first is not None and first < timezone.now() - LATE:
        yield Fault(
            None,
            f"记录始于 {timezone.localtime(first):%Y-%m-%d %H:%M},却没有一个封存:"
            "封存被清空,或从未封存(no seals)",
        )


# --- What was proven last, and what is wanting ----------------------------------------------------


def keep(proof: Proof) -> AuditProof:
    """Note what a check has proven, for the page of the record."""
    newest, since = proof.newest, proof.since
    made: AuditProof = AuditProof.objects.create(
        seals=proof.seals,
        entries=proof.entries,
        faults=proof.faults,
        number=newest.number if newest is not None else None,
        digest=newest.digest if newest is not None else "",
        key=newest.key if newest is not None else "",
        since_number=since.number if since is not None else None,
        since=since.made_at if since is not None else None,
        copied=proof.copied,
    )
    return made


def wanting() -> Iterator[str]:
    """Yield in words what keeps the record from being proven, or what does not run."""
    now = timezone.now()
    if copies.place() is None:
        yield "没有设置库外另存,记录的末尾被截去或全部被清空时查不出来"
    last = AuditProof.objects.order_by("-pk").first()
    if last is None:
        yield "还没有校验过,应当每天校验"
    elif last.at < now - STALE:
        yield f"已有 {(now - last.at).days} 天没有校验,应当每天校验"
    elif last.faults:
        yield f"最近一次校验发现 {last.faults} 处问题,请系统管理人员查看校验命令的输出"
    if gone := guards.missing():
        yield f"有 {len(gone)} 个数据库触发器缺失或停用,须由系统管理人员补装"
    if _may_change():
        yield "提供服务的数据库用户拥有记录的表,能改动记录或停用触发器,应当按部署文档改用权限最小的用户"


def _may_change() -> bool:
    """Whether this database user could change entries or switch the guards off (PostgreSQL)."""
    if connection.vendor != "postgresql":
        return False
    tables = list(guards.APPEND_ONLY.values())
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT bool_or(pg_has_role(c.relowner, 'USAGE') OR has_table_privilege(c.oid, 'UPDATE') "
            "OR has_table_privilege(c.oid, 'DELETE') OR has_table_privilege(c.oid, 'TRUNCATE')) "
            "FROM pg_class c WHERE c.relname = ANY(%s) AND pg_table_is_visible(c.oid)",
            [tables],
        )
        return bool(cursor.fetchone()[0])
