"""The record: one entry for every operation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Model

from registry.models import AuditEntry, Unit, User

VERBS: dict[str, str] = {
    "add_unit": "增设单位",
    "edit_unit": "修改单位资料",
    "move_unit": "调整上级单位",
    "merge_unit": "并入其他单位",
    "close_unit": "撤销单位",
    "establish_organization": "登记组织",
    "edit_organization": "修改组织资料",
    "move_organization": "调整上级组织",
    "transfer_organization": "转隶到其他单位",
    "dissolve_organization": "撤销组织",
    "withdraw_organization": "撤回误录的组织",
    "submit_organization": "提交审批",
    "approve_organization": "批准",
    "return_organization": "退回",
    "add_person": "登记人员",
    "edit_person": "修改人员资料",
    "change_political_status": "变更政治面貌",
    "transfer_person": "调整所属单位和组织关系",
    "assign_person": "编入",
    "change_role": "调整职责",
    "end_assignment": "结束编入",
    "withdraw_assignment": "撤回误录的编入",
    "start_campaign": "启动专项任务",
    "end_campaign": "结束专项任务",
    "add_source": "登记来源",
    "add_figures": "登记报道数",
    "bulk_load": "批量载入",
    "rebuild_trees": "重建树的区间",
    "rebuild_counts": "重建统计数",
    "add_user": "添加用户",
    "open_login": "建立演示账号",
    "close_login": "关闭演示账号",
    "grant_role": "授权",
    "end_grant": "结束授权",
    "disable_user": "停用用户",
    "enable_user": "启用用户",
    "set_one_time_password": "设置一次性密码",
    "change_password": "修改密码",
    "end_sessions": "结束其他会话",
    "turn_on_second_factor": "启用二次验证",
    "turn_off_second_factor": "停用二次验证",
    "renew_recovery_codes": "更换恢复码",
    "login": "登录",
    "login_failed": "登录失败",
    "login_locked": "登录被锁定",
    "logout": "退出",
    "export": "导出",
    "upload_import": "上传导入表格",
    "recheck_import": "重新核对导入表格",
    "confirm_import": "确认写入导入表格",
    "cancel_import": "取消导入",
    "import_workbook": "导入表格",
    "view_personal_data": "查看联系方式",
}
"""What each verb of the record is called, in the order in which the record's page offers them."""


@dataclass(frozen=True)
class Actor:
    """Who does something, and from where."""

    user: User | None = None
    name: str = "系统"
    address: str = ""
    request_number: str = ""
    undoes: AuditEntry | None = None
    """The entry that is set back by what is done now."""

    @classmethod
    def system(cls, name: str) -> Actor:
        """An actor without a login: a command or the demo."""
        return cls(name=name)


def plain(value: Any) -> Any:
    """Return ``value`` as JSON can hold it: rows by key and name, dates in ISO form.

    The key is what a value is set back from; the name is what the history shows, also when the row
    has another one by then.
    """
    if isinstance(value, Model):
        return {"pk": value.pk, "text": str(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, date | datetime):
        return value.isoformat()
    if value is None or isinstance(value, str | int | bool | float):
        return value
    return str(value)


def fields_of(instance: Model, names: list[str]) -> dict[str, Any]:
    """Return the named fields of ``instance`` for an entry."""
    return {name: plain(getattr(instance, name)) for name in names}


def record(
    actor: Actor,
    verb: str,
    instance: Model,
    *,
    unit: Unit | None = None,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    reason: str = "",
    effective_on: date | None = None,
    name: str = "",
) -> AuditEntry:
    """Write one entry, inside the operation's own transaction.

    ``verb`` is the operation's name (``establish_organization``); ``before`` and ``after`` hold
    only what changed; ``effective_on`` is the day from which the change counts; ``name`` is what the
    record calls the row, where the row itself has no name.
    """
    return AuditEntry.objects.create(
        user=actor.user,
        actor=actor.name,
        address=actor.address,
        request_number=actor.request_number,
        verb=verb,
        noun=str(instance._meta.model_name),
        object_id=instance.pk,
        object_name=(name or str(instance))[:200],
        unit=unit,
        effective_on=effective_on,
        before={key: plain(value) for key, value in (before or {}).items()},
        after={key: plain(value) for key, value in (after or {}).items()},
        reason=reason,
        undoes=actor.undoes,
    )


def record_event(
    actor: Actor,
    verb: str,
    *,
    subject: str,
    unit: Unit | None = None,
    after: Mapping[str, Any] | None = None,
) -> AuditEntry:
    """Write one entry for what happened without a row of its own: a login, an export, a look at a number.

    ``subject`` says in words whom or what it was about (a user name, a file); ``after`` what else is
    worth knowing (filters, numbers).
    """
    return AuditEntry.objects.create(
        user=actor.user,
        actor=actor.name,
        address=actor.address,
        request_number=actor.request_number,
        verb=verb,
        noun="",
        object_id=None,
        object_name=subject[:200],
        unit=unit,
        after={key: plain(value) for key, value in (after or {}).items()},
    )
