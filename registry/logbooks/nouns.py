"""The descriptors: 台账 and 条目."""

from __future__ import annotations

from registry.logbooks.models import Entry, EntryTerm, Logbook, LogbookTerm
from registry.nouns.noun import Noun, Texts
from registry.nouns.verbs import APPROVE, ENTER, MANAGE, RecordWord, Verb

LOGBOOK = Noun(
    key="logbook",
    plural="logbooks",
    label="台账",
    model=Logbook,
    measure="本",
    verbs=(
        Verb("add_logbook", "新建台账", MANAGE),
        Verb("edit_logbook", "修改台账", MANAGE),
        Verb("edit_logbook_fields", "补充台账字段", MANAGE),
        Verb("start_logbook", "启用台账", MANAGE),
        Verb("end_logbook", "停用台账", MANAGE),
    ),
    unit_path="unit",
    is_seen_below=True,
    handed_to="handed",
    related=("unit",),
    page="logbook",
    list_page="logbooks",
    edit="",
    editable=("name", "group", "about", "purpose", "is_walled", "needs_approval", "started_on"),
    texts=Texts(LogbookTerm, ("name",)),
)
ENTRY = Noun(
    key="entry",
    plural="entries",
    label="台账条目",
    model=Entry,
    measure="条",
    verbs=(
        Verb("add_entry", "登记条目", ENTER),
        Verb("edit_entry", "修改条目", ENTER),
        Verb("submit_entry", "提交条目", ENTER),
        Verb("step_entry", "办理步骤", ENTER),
        Verb("withdraw_entry", "撤回条目", ENTER),
        Verb("approve_entry", "批准条目", APPROVE),
        Verb("return_entry", "退回条目", APPROVE),
    ),
    unit_path="unit",
    related=("logbook__unit", "unit", "organization", "person", "campaign", "source"),
    page="entry",
    page_key_label="条目编号",
    named=(),
    texts=Texts(EntryTerm, ("title",)),
)

WORDS = {
    "logbook": RecordWord("台账"),
    "handed": RecordWord("使用单位"),
    "logbook_fields": RecordWord("字段"),
    "logbook_steps": RecordWord("步骤"),
    "logbook_counters": RecordWord("指标"),
    "logbook_agreed": RecordWord("约定"),
    "entry_values": RecordWord("内容"),
    "entry_step": RecordWord("步骤"),
}
"""What entries of the record hold beside the fields of the rows."""
