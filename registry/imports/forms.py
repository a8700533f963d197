"""Forms of the import: hand a workbook in, confirm that it is written."""

from __future__ import annotations

from typing import Any

from django import forms

from registry.web.fields import FileInput, ScopedForm, wide


class UploadForm(ScopedForm):
    """One workbook or .csv file."""

    file = forms.FileField(
        label="表格文件",
        max_length=200,
        help_text=(
            "Excel 工作簿(.xlsx)或 CSV 文件,最大 20 MB;一个工作簿里可以有单位、组织、人员、编入四种表。"
        ),
        widget=FileInput(
            attrs={
                "data-wide": "",
                "accept": (
                    ".xlsx,.csv,text/csv,application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
                ),
            }
        ),
        error_messages={"required": "请选择文件。", "empty": "文件是空的,请重新选择。"},
    )


class ConfirmForm(ScopedForm):
    """Write what was checked; with a reason where the record must have one."""

    reason = forms.CharField(label="原因", max_length=200, required=False, widget=wide())

    def __init__(self, *args: Any, needs_reason: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["reason"]
        field.required = needs_reason
        field.error_messages["required"] = "请填写原因。"
        field.help_text = str(
            "有撤销组织、对已计入统计的日期的更正,或姓名和人员类别同时改变的人员,须说明原因;记入操作记录。"
            if needs_reason
            else "记入每一条操作记录,例如:据某某单位报送花名册。"
        )
