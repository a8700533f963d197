"""Logging in and one's own account; users, their grants and passwords."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """账号与授权"""

    name = "registry.accounts"
    verbose_name = "账号与授权"
    take_back_guards = ("registry.accounts.grants.guard_taking_back",)
    desk_numbers = ("registry.accounts.proposals.TO_CONFIRM",)
    desk_cards = ("registry.accounts.users.desk_card",)
    verbs_label = "登录和本人账号"
    verbs = ("registry.accounts.verbs.VERBS",)
    record_words = ("registry.accounts.verbs.WORDS",)
