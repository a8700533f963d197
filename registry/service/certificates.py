"""The texts of commemorative certificates (纪念证书), as data, and which of them somebody gets."""

from __future__ import annotations

from dataclasses import dataclass

from registry.models import PersonCategory
from registry.service.records import Record
from registry.web.text import in_chinese


@dataclass(frozen=True)
class CertificateText:
    """The text of a certificate: what is in braces is filled in from the record."""

    category: str
    """Whom it is for; empty: everybody else."""
    text: str
    note: str = ""
    """What is said beside the print, not on it."""


TEXTS = (
    CertificateText(
        PersonCategory.OFFICER.value,
        "您于{first}至{last}参加“{campaign}”专项任务,编入{organizations},共 {days} 天。"
        "根据《中华人民共和国公务员法》第五十五条,特发此证,以资纪念。",
    ),
    CertificateText(
        "",
        "您于{first}至{last}参加“{campaign}”专项任务,编入{organizations},共 {days} 天。特发此证,以资纪念。",
        "第五十五条说的是公务员:辅警和其他人员的证书不引用该条。",
    ),
)
"""The first one that fits is taken."""
MOST_NAMED = 3
"""So many organizations are named on a certificate."""


@dataclass(frozen=True)
class Certificate:
    """The certificate of one person."""

    record: Record
    of: CertificateText

    @property
    def text(self) -> str:
        """The text with name and days filled in."""
        record = self.record
        names = [f"“{organization.name}”" for organization in record.organizations]
        named = "、".join(names[:MOST_NAMED])
        assert record.first_day is not None
        assert record.last_day is not None
        return self.of.text.format(
            first=in_chinese(record.first_day),
            last=in_chinese(record.last_day),
            campaign=record.campaign.name,
            organizations=f"{named}等 {len(names)} 个组织" if len(names) > MOST_NAMED else named,
            days=record.days,
        )


def certificate_of(record: Record) -> Certificate:
    """Return the certificate with the text for the person's category."""
    category = record.person.category
    return Certificate(record, next(each for each in TEXTS if each.category in (category, "")))
