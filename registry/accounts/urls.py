"""Addresses of logging in, the own account and users."""

from django.urls import path

from registry.accounts import delegation_pages, proposal_pages, users
from registry.accounts import views as account
from registry.accounts.tables import UserTable
from registry.web.tables import export

urlpatterns = [
    path("login/", account.login, name="login"),
    path("login/code/", account.login_code, name="login_code"),
    path("logout/", account.logout, name="logout"),
    # one's own account
    path("account/", account.account, name="account"),
    path("account/password/", account.password, name="account_password"),
    path("account/mail/", account.mail, name="account_mail"),
    path("account/sessions/end/", account.end_sessions, name="account_end_sessions"),
    path("account/columns/", account.columns, name="account_columns"),
    path("account/second-step/", account.second_step, name="account_second_step"),
    path("account/second-step/off/", account.second_step_off, name="account_second_step_off"),
    path("account/second-step/codes/", account.recovery_codes, name="account_recovery_codes"),
    path("account/delegate/", delegation_pages.delegate, name="delegate"),
    path("account/delegations/<int:pk>/end/", delegation_pages.end, name="delegation_end"),
    # users, for managers
    path("users/", users.users, name="users"),
    path("export/users/", export(UserTable), name="users_export"),
    path("users/add/", users.add, name="user_add"),
    path("users/slips/", users.slips, name="user_slips"),
    path("users/proposals/", proposal_pages.proposals, name="proposals"),
    path("users/proposals/<int:pk>/confirm/", proposal_pages.confirm, name="proposal_confirm"),
    path("users/proposals/<int:pk>/drop/", proposal_pages.drop, name="proposal_drop"),
    path("users/<int:pk>/", users.user, name="user"),
    path("users/<int:pk>/edit/", users.edit, name="user_edit"),
    path("users/<int:pk>/grant/", users.grant, name="user_grant"),
    path("users/<int:pk>/disable/", users.disable, name="user_disable"),
    path("users/<int:pk>/enable/", users.enable, name="user_enable"),
    path("users/<int:pk>/password/", users.password, name="user_password"),
    path("users/grants/<int:pk>/end/", users.end_grant, name="grant_end"),
]
