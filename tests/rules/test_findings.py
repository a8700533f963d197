"""Findings: what is refused is said by field, what is only warned of is said once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from registry.refusals import OperationRefused
from registry.rules.findings import (
    MOST_SAID,
    first_of,
    in_future,
    refusal,
    refuse_if,
    unblamed,
    warning,
    warnings,
    without_reason,
)

ONE, TWO = object(), object()
REFUSED = refusal("a", ONE, "name", "不行。")
WARNED = warning("b", TWO, "role", "请核对。")


def test_only_refusals_refuse() -> None:
    refuse_if([WARNED])
    with pytest.raises(OperationRefused) as told:
        refuse_if([REFUSED, WARNED, refusal("c", ONE, "", "全部不行。")])
    assert told.value.message_dict == {"name": ["不行。"], "__all__": ["全部不行。"]}


def test_a_field_may_have_another_name_in_the_operation() -> None:
    with pytest.raises(OperationRefused) as told:
        refuse_if([REFUSED], name="members")
    assert told.value.message_dict == {"members": ["不行。"]}


def test_a_field_is_not_flooded() -> None:
    with pytest.raises(OperationRefused) as told:
        refuse_if([REFUSED] * (MOST_SAID + 3))
    assert told.value.message_dict["name"] == ["不行。"] * MOST_SAID + ["另有 3 处类似问题。"]


def test_each_warning_is_said_once_and_refusals_are_none() -> None:
    assert warnings([WARNED, REFUSED, WARNED]) == ["请核对。"]


def test_findings_know_their_proposal() -> None:
    assert unblamed([ONE, TWO], [REFUSED]) == [TWO]


def test_the_first_thing_wrong_is_said() -> None:
    def check(subject: object):
        if subject is ONE:
            yield "a", "name", "不行。"
            yield "b", "name", "也不行。"

    assert first_of(check, [ONE, TWO]) == [REFUSED]


def test_tomorrow_and_no_reason() -> None:
    today = timezone.localdate()
    tomorrow = today + timedelta(days=1)
    assert list(in_future("on", today)) == []
    assert list(in_future("on", None)) == []
    assert list(in_future("on", tomorrow)) == [
        ("not_in_future", "on", f"日期 {tomorrow:%Y-%m-%d} 晚于今天,请改为今天或更早。")
    ]
    assert list(without_reason("r", "  ", "原因")) == [("r", "reason", "请说明原因。")]
    assert list(without_reason("r", "x", "原因")) == []
