"""What is done with workbooks that are handed in."""

from __future__ import annotations

from registry.nouns.verbs import ENTER, RecordWord, Verb

VERBS = (
    Verb("upload_import", "上传导入表格", ENTER),
    Verb("recheck_import", "重新核对导入表格", ENTER),
    Verb("confirm_import", "确认写入导入表格", ENTER),
    Verb("cancel_import", "取消导入", ENTER),
    Verb("take_back_import", "要求撤回导入", ENTER),
    Verb("import_workbook", "导入表格", ENTER),
)

WORDS = {
    "new_rows": RecordWord("新增行数"),
    "changed_rows": RecordWord("修改行数"),
    "sha256": RecordWord("文件校验值"),
}
