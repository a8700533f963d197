"""The verbs of logging in and of one's own account, named for the record."""

from __future__ import annotations

from registry.nouns.verbs import RecordWord, Verb

VERBS = (
    Verb("change_password", "修改密码"),
    Verb("end_sessions", "结束其他会话"),
    Verb("skip_start", "跳过开始使用", is_routine=True),
    Verb("choose_mail", "设置邮件提醒", is_routine=True),
    Verb("choose_columns", "选择列", is_routine=True),
    Verb("turn_on_second_factor", "启用二次验证"),
    Verb("turn_off_second_factor", "停用二次验证"),
    Verb("renew_recovery_codes", "更换备用码"),
    Verb("login", "登录", is_routine=True),
    Verb("login_failed", "登录失败", is_routine=True),
    Verb("login_locked", "登录被锁定"),
    Verb("logout", "退出", is_routine=True),
)

WORDS = {
    "second_factor": RecordWord("二次验证"),
    "codes": RecordWord("备用码个数"),
    "sessions": RecordWord("会话数"),
    "proposal": RecordWord("事项"),
    "proposed_by": RecordWord("提出人"),
    "wants_mail": RecordWord("邮件提醒"),
    "delegated_by": RecordWord("委托人"),
    "columns": RecordWord("所选的列"),
    "step": RecordWord(
        "验证方式", {"password": "密码", "code": "验证码", "authenticator": "验证器", "recovery": "备用码"}
    ),
}
