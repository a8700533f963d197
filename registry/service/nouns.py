"""Opinions (表现鉴定), receipts (签收) and reminders (催办)."""

from __future__ import annotations

from registry.nouns.noun import Noun
from registry.nouns.verbs import ENTER, MANAGE, Verb
from registry.service.models import Opinion, Receipt, Reminder

OPINION = Noun(
    key="opinion",
    plural="opinions",
    label="表现鉴定",
    model=Opinion,
    measure="份",
    verbs=(Verb("write_opinion", "写表现鉴定", ENTER),),
    unit_path="organization__unit",
    other_unit_path="person__home_unit",
    related=("person__home_unit", "organization__unit"),
    page_at="organization",
    named=("person", "organization"),
)
RECEIPT = Noun(
    key="receipt",
    plural="receipts",
    label="签收",
    model=Receipt,
    measure="份",
    verbs=(
        Verb("sign_receipt", "签收服务记录", ENTER),
        Verb("return_receipt", "退回签收", ENTER),
    ),
    unit_path="unit",
    other_unit_path="person__home_unit",
    related=("person__home_unit", "unit"),
    page_at="person",
    named=("person",),
)
REMINDER = Noun(
    key="reminder",
    plural="reminders",
    label="催办",
    model=Reminder,
    measure="次",
    verbs=(Verb("remind_receipts", "催办签收", MANAGE),),
    unit_path="unit",
    related=("unit", "campaign"),
    page_at="campaign",
    named=("campaign",),
)
