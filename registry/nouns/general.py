"""Verbs of the registry that belong to no noun."""

from __future__ import annotations

from registry.nouns.verbs import AUDIT, EVERYBODY, RecordWord, Verb

VERBS = (
    Verb("see", "查看", EVERYBODY, is_recorded=False),
    Verb("read_record", "查看操作记录", AUDIT, is_recorded=False),
    Verb("export", "导出", EVERYBODY),
    Verb("print", "打印", EVERYBODY),
    Verb("bulk_load", "批量载入"),
    Verb("rebuild_trees", "重建树的区间"),
    Verb("rebuild_counts", "重建统计数"),
    Verb("restore_guards", "补装触发器"),
    Verb("run_command", "运行命令"),
    Verb("add_administrator", "添加系统管理员"),
)

WORDS = {
    "members": RecordWord("编入人数"),
    "key_figures": RecordWord("首页指标"),
    "assignments": RecordWord("编入(人次)"),
    "units": RecordWord("单位数"),
    "organizations": RecordWord("组织数"),
    "people": RecordWord("人数"),
    "joined": RecordWord("并入的条目"),
    "into": RecordWord("并入"),
    "joined_organization": RecordWord("合并来的支部"),
    "split_off": RecordWord("拆分成立的支部"),
    "split_from": RecordWord("由此拆分"),
    "successor": RecordWord("改设后的组织"),
    "predecessor": RecordWord("改设前的组织"),
    "assignments_moved": RecordWord("转入的编入"),
    "with": RecordWord("随同撤销"),
    "covered": RecordWord("覆盖单位"),
    "figures": RecordWord("报道数"),
    "rows": RecordWord("行数"),
    "guards": RecordWord("触发器"),
    "ip": RecordWord("地址"),
    "age": RecordWord("天数"),
    "args": RecordWord("参数"),
    "found": RecordWord("核对相符"),
    "not_found": RecordWord("核对不符"),
    "file": RecordWord("文件"),
    "filters": RecordWord("筛选条件"),
}
