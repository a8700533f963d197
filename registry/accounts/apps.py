"""Logging in and one's own account; users, their grants and passwords."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """账号与授权"""

    name = "registry.accounts"
    verbose_name = "账号与授权"
    take_back_guards = ("registry.accounts.grants.guard_taking_back",)
    verbs_label = "登录和本人账号"
    verbs = ("registry.accounts.verbs.VERBS",)
    record_words = ("registry.accounts.verbs.WORDS",)
