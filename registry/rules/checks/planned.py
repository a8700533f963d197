"""An organization that is only planned, so that a check can speak while a form is filled in."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from registry.models import OrganizationKind
from registry.models.kinds import BRANCH_KINDS, PARTY_BODIES
from registry.rules.checks.members import FULL, MEMBERS

JOIN_NEIGHBOURS = ",应与邻近单位成立联合党支部"
NAME_NEIGHBOURS = ",应登记所覆盖的邻近单位"
"""What a branch, and a joint branch, with few full members should do."""


class PlannedMember(NamedTuple):
    """Somebody who would be in it: the role, and the political status on the first day."""

    role: str
    status: str


@dataclass(frozen=True)
class Planned:
    """An organization as it would be, with everybody who would be placed in it.

    Of a standing one these are its first members: nobody can have a home there before it is founded.
    """

    kind: str
    is_temporary: bool
    placed: Sequence[PlannedMember] = ()

    @property
    def is_branch(self) -> bool:
        """Whether it is a branch or joint branch."""
        return self.kind in BRANCH_KINDS

    @property
    def is_temporary_body(self) -> bool:
        """Whether it is a temporary Party organization that is no group."""
        return self.is_temporary and self.kind in PARTY_BODIES

    @property
    def advice(self) -> str:
        """What it should do with few full members; of a joint branch the form asks for its units anyway."""
        return "" if self.kind == OrganizationKind.JOINT_BRANCH else JOIN_NEIGHBOURS

    @property
    def is_group(self) -> bool:
        """Whether it is a Party group."""
        return self.kind == OrganizationKind.GROUP

    @property
    def full(self) -> int:
        """The number of full members."""
        return self._of_status(FULL)

    @property
    def members(self) -> int:
        """The number of members of the Party."""
        return self._of_status(MEMBERS)

    def holding(self, roles: Collection[str]) -> int:
        """Return how many would have one of the roles."""
        return sum(each.role in roles for each in self.placed)

    def _of_status(self, statuses: Collection[str]) -> int:
        return sum(each.status in statuses for each in self.placed)
