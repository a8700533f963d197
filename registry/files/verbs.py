"""What is done with photos and files. What a form adds or leaves out is in the record of its own act."""

from __future__ import annotations

from registry.nouns.verbs import ENTER, RecordWord, Verb

VERBS = (
    Verb("store_file", "上传照片或附件", ENTER, is_routine=True),
    Verb("caption_file", "修改照片说明", ENTER),
    Verb("remove_file", "删除照片或附件", ENTER),
    Verb("restore_file", "恢复照片或附件", ENTER),
)

WORDS = {
    "caption": RecordWord("说明"),
    "file_kept": RecordWord("照片或附件"),
    "file_size": RecordWord("字节数"),
}
