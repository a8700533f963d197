"""The noun of a change that waits for approval, its verbs, and their words in the record."""

from __future__ import annotations

from registry.approvals.models import Submission
from registry.nouns.noun import Noun
from registry.nouns.verbs import APPROVE, ENTER, RecordWord, Verb

SUBMISSION = Noun(
    key="submission",
    plural="submissions",
    label="变更申请",
    model=Submission,
    measure="项",
    verbs=(
        Verb("submit_change", "提交变更审批", ENTER),
        Verb("submit_submission", "再次提交变更", ENTER),
        Verb("approve_submission", "批准变更", APPROVE),
        Verb("return_submission", "退回变更", APPROVE),
        Verb("withdraw_submission", "撤回变更申请", ENTER),
    ),
    unit_path="unit",
    related=("unit", "organization__parent__unit", "submitted_by", "decided_by", "approving_organization"),
    page="submission",
    page_key="id",
    page_key_label="编号",
)

WORDS = {
    "matter": RecordWord("事项"),
    "change": RecordWord("变更"),
    "submitter": RecordWord("提交人"),
}
