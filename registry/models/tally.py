"""The ledger of counts: what each change did to the numbers of every unit above it.

``CountChange`` is appended by the operations, one row for each unit, campaign, basis and day that a
change touches, so that writers never wait for one another's rows. ``CountDay`` is what folding makes
of them: the running total of a unit after a day, so that the count on day D is one row. A count is
``the last CountDay up to D + the CountChanges up to D that are not folded yet``.
"""

from __future__ import annotations

from django.db import models

from registry.models.unit import Unit

COLUMNS: tuple[str, ...] = (
    "temporary_committees",
    "temporary_general_branches",
    "temporary_branches",
    "temporary_groups",
    "standing_party_orgs",
    "pioneer_posts",
    "pioneer_teams",
    "commando_teams",
    "task_forces",
    "work_groups",
    "leading_groups",
    "team_members",
    "frontline_people",
    "frontline_assignments",
    "frontline_party_members",
    "frontline_auxiliaries",
)
"""The metrics that are kept; sums of them (temporary_party_orgs) are not."""

ALL_CAMPAIGNS = 0
"""Stands for "whatever the campaign" in ``campaign_key``."""


class _Tally(models.Model):
    """The numbers of one unit with all below it."""

    unit = models.ForeignKey(
        Unit, on_delete=models.CASCADE, related_name="+", db_index=False, db_constraint=False
    )
    campaign_key = models.BigIntegerField("专项任务", default=ALL_CAMPAIGNS)
    is_cumulative = models.BooleanField("累计", default=False)
    day = models.DateField("日期")
    temporary_committees = models.IntegerField(default=0)
    temporary_general_branches = models.IntegerField(default=0)
    temporary_branches = models.IntegerField(default=0)
    temporary_groups = models.IntegerField(default=0)
    standing_party_orgs = models.IntegerField(default=0)
    pioneer_posts = models.IntegerField(default=0)
    pioneer_teams = models.IntegerField(default=0)
    commando_teams = models.IntegerField(default=0)
    task_forces = models.IntegerField(default=0)
    work_groups = models.IntegerField(default=0)
    leading_groups = models.IntegerField(default=0)
    team_members = models.IntegerField(default=0)
    frontline_people = models.IntegerField(default=0)
    frontline_assignments = models.IntegerField(default=0)
    frontline_party_members = models.IntegerField(default=0)
    frontline_auxiliaries = models.IntegerField(default=0)

    class Meta:
        abstract = True


class CountChange(_Tally):
    """By how much the numbers of a unit change on a day; not folded yet."""

    class Meta:
        verbose_name = "统计变动"
        verbose_name_plural = "统计变动"
        indexes = [
            models.Index(fields=["unit", "campaign_key", "is_cumulative", "day"], name="countchange_key")
        ]

    def __str__(self) -> str:
        return f"{self.unit_id} {self.day}"


class CountDay(_Tally):
    """The numbers of a unit after a day, until the next row of the same unit, campaign and basis."""

    class Meta:
        verbose_name = "统计台账"
        verbose_name_plural = "统计台账"
        constraints = [
            models.UniqueConstraint(
                fields=["unit", "campaign_key", "is_cumulative", "day"], name="countday_key"
            )
        ]

    def __str__(self) -> str:
        return f"{self.unit_id} {self.day}"
