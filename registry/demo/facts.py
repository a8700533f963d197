"""The tables of ``registry/demo/data/`` as rows to load (see the README there)."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path
from typing import Any

from registry.demo.counted import COUNTED, REPORTED_ONLY
from registry.models.kinds import PARTY_KINDS, WorkflowState
from registry.operations.bulk import AssignmentRow, OrganizationRow, PersonRow, UnitRow

CAMPAIGN = "xinguan-yiqing-fangkong"
CAMPAIGN_NAME = "新冠肺炎疫情防控"
CAMPAIGN_START = date(2020, 1, 20)

PRESUMED = "成立日期报道未载明,为演示推定。"
_STANDING_SINCE = date(2015, 1, 1)
_PRESUMED_ON = {
    "zhonggong-zhongyang": date(1921, 7, 1),
    "zhonggong-neimenggu-dangwei": date(1949, 10, 1),
    "gonganbu-dangwei": date(1949, 11, 1),
    # The day of each article: sources.csv, and the order in which the facts name it.
    "dezhou-canzhan-gongzuozu": date(2020, 1, 25),
    "dezhou-linshi-zongzhi-canzhan": date(2020, 1, 26),
    "dezhou-linshi-zhibu-yiqing-zhuanban": date(2020, 1, 25),
    "dezhou-linshi-zhibu-decheng": date(2020, 1, 28),
    "dezhou-linshi-zhibu-jingkai": date(2020, 1, 28),
    "dezhou-linshi-zhibu-yunhe": date(2020, 1, 29),
    "dezhou-xiaozu-daguang": date(2020, 1, 30),
    "dezhou-xiaozu-dezhoubeikou": date(2020, 1, 30),
    "dezhou-xiaozu-songguantun": date(2020, 1, 31),
    "dezhou-xianfenggang-songguantun": date(2020, 2, 1),
    "dezhou-liuzhi-zhuanban": date(2020, 5, 6),
    "huhehaote-yijianfang-linshi-dangzhibu": date(2020, 1, 30),
    "ningyang-lingdao-xiaozu": date(2020, 1, 25),
    "ningyang-yiqing-zhuanban": date(2020, 1, 25),
    "ningyang-zu-zonghe-baozhang": date(2020, 1, 26),
    "ningyang-zu-jiance-hecha": date(2020, 1, 26),
    "ningyang-zu-qingkuang-kongzhi": date(2020, 1, 26),
    "ningyang-zu-xuanchuan-yuqing": date(2020, 1, 26),
    "ningyang-zu-lianhe-chakong": date(2020, 1, 26),
    "xining-chengzhong-lingdao-xiaozu": date(2020, 1, 23),
    "xining-chengzhong-lingdao-xiaozu-bangongshi": date(2020, 1, 23),
    "xining-zhuananzu": date(2020, 2, 10),
}


def table(name: str) -> list[dict[str, str]]:
    """Return the rows of one of the tables."""
    path = Path(__file__).parent / "data" / f"{name}.csv"
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def unit_rows() -> list[UnitRow]:
    """Return the units that the articles name, with the hierarchy that completes them."""
    return [
        UnitRow(
            code=row["code"],
            name=row["name"],
            kind=row["kind"],
            parent=row["parent_code"],
            short_name=row["short_name"],
            aliases=row["aliases"],
            region_code=row["region_code"],
            mention=row["mention"],
            note=row["note"],
            is_sample=row["sample"] == "yes",
        )
        for row in table("units")
    ]


def organization_rows() -> list[OrganizationRow]:
    """Return the named organizations; an unstated date is presumed, with a note that says so."""
    made = []
    for row in table("organizations"):
        stated = _day(row["established_on"])
        notes = [row["note"]] if stated else [PRESUMED, row["note"]]
        made.append(
            OrganizationRow(
                code=row["code"],
                name=row["name"],
                kind=row["kind"],
                unit=row["host_unit_code"],
                established_on=stated or _PRESUMED_ON.get(row["code"], _STANDING_SINCE),
                parent=row["parent_code"],
                is_temporary=row["is_temporary"] == "yes",
                campaign=CAMPAIGN if row["campaign"] == "yes" else "",
                task_body=row["task_body_code"],
                aliases=row["aliases"],
                honour_title=row["honour_title"],
                parent_inferred=row["parent_inferred"] == "yes",
                state=WorkflowState.APPROVED.value,
                source=int(row["source"]),
                note=" ".join(note for note in notes if note),
            )
        )
    return made


def people_rows(organizations: dict[str, OrganizationRow]) -> list[PersonRow]:
    """Return the masked people whom the articles cite; their numbers are the tables' own."""
    return [
        PersonRow(
            number=row["number"],
            name=row["name"],
            category=row["category"],
            home_unit=row["unit_code"],
            status=row["political_status"],
            home_branch=_standing_branch(organizations.get(row["organization_code"]), organizations),
            title=row["title"],
            source=int(row["source"]),
            note="警号系本系统自编,报道未载明。",
        )
        for row in table("people")
    ]


def assignment_rows(organizations: dict[str, OrganizationRow]) -> list[AssignmentRow]:
    """Return the assignments of cited people to named organizations."""
    return [
        AssignmentRow(
            person=row["number"],
            organization=row["organization_code"],
            started_on=max(CAMPAIGN_START, organizations[row["organization_code"]].established_on),
            role=row["role"] or "member",
        )
        for row in table("people")
        if row["organization_code"]
    ]


def sources() -> list[tuple[dict[str, Any], list[dict[str, str]]]]:
    """Return each source's facts with the rows of its figures."""
    figures = table("figures")
    return [
        (
            {
                "number": int(row["source"]),
                "title": row["title"],
                "publisher": row["publisher"],
                "published_on": _day(row["published_on"]),
                "date_basis": row["date_basis"],
                "earliest": _day(row["earliest"]),
                "latest": _day(row["latest"]),
                "region": row["region"],
                "reporting_organ": row["reporting_org"],
                "note": row["note"],
            },
            [figure for figure in figures if figure["source"] == row["source"]],
        )
        for row in table("sources")
    ]


def figure_facts(
    row: dict[str, str], units: dict[str, int], organizations: dict[str, int], tensions: dict[str, str]
) -> dict[str, Any]:
    """Return one figure as fields of the model; ``units`` and ``organizations`` are keys by code."""
    return {
        "code": row["id"],
        "metric": COUNTED.get(row["metric"], row["metric"]),
        "label": row["label_zh"],
        "value": row["value"],
        "number": int(row["value"]) if row["value_type"] == "integer" else None,
        "measure": row["unit"],
        "qualifier": row["qualifier"],
        "basis": row["basis"],
        "unit_id": units[row["unit_code"]] if row["unit_code"] else None,
        "organization_id": organizations.get(row["org_code"]),
        "as_of": _full_day(row["as_of"]),
        "earliest": _day(row["earliest"]),
        "latest": _day(row["latest"]),
        "category": row["category"],
        "is_comparable": row["comparable"] == "yes",
        "note": " ".join(
            text for text in (row["note"], row["period"], REPORTED_ONLY.get(row["metric"], "")) if text
        ),
        "tension": "\n".join(tensions[key] for key in row["tension"].split("; ") if key),
    }


def tensions() -> dict[str, str]:
    """Return the notes on differences between articles, by number."""
    return {row["id"]: f"{row['id']} {row['detail']} {row['handling']}" for row in table("tensions")}


def _standing_branch(organization: OrganizationRow | None, rows: dict[str, OrganizationRow]) -> str:
    """Return the standing branch in which a member of ``organization`` has the formal membership, if any."""
    while organization is not None and organization.kind in PARTY_KINDS and not organization.is_temporary:
        if organization.kind == "branch":
            return organization.code
        organization = rows.get(organization.parent) if organization.kind == "group" else None
    return ""


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


def _full_day(text: str) -> date | None:
    """A day, not a month."""
    return _day(text) if len(text) == 10 else None
