"""Coming in: password, lock-out, second step, the end of sessions, and what is recorded of it."""

from __future__ import annotations

import re
import time
from datetime import timedelta
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.conf import settings as project
from django.contrib.auth import SESSION_KEY, authenticate
from django.test import Client
from django.utils import timezone
from django_otp.oath import TOTP
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from registry.accounts import operations as accounts
from registry.accounts import second_factor
from registry.accounts.passwords import ONE_TIME_DAYS
from registry.models import AuditEntry, Session, User
from tests.factories import ACTOR, make_person, make_unit, make_user

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery"
KEY = "3132333435363738393031323334353637383930"


@pytest.fixture
def user() -> User:
    return make_user("zhangsan", make_unit("bureau"))


def log_in(client: Client, username: str = "zhangsan", password: str = PASSWORD, **facts: Any):
    address = facts.pop("address", "10.1.1.1")
    return client.post(
        facts.pop("to", "/login/"),
        {"username": username, "password": password, **facts},
        REMOTE_ADDR=address,
        HTTP_USER_AGENT="Mozilla/5.0 (Windows NT 10.0) Chrome/120.0 Safari/537.36",
    )


def is_in(client: Client) -> bool:
    return SESSION_KEY in client.session


def recorded() -> list[tuple[str, str]]:
    verbs = ("login", "login_failed", "login_locked", "logout")
    return list(AuditEntry.objects.filter(verb__in=verbs).order_by("pk").values_list("verb", "object_name"))


def code_now(key: str = KEY, later: int = 0) -> str:
    totp = TOTP(bytes.fromhex(key))
    totp.time = time.time() + later
    return f"{totp.token():06d}"


# --- The password --------------------------------------------------------------------------------


def test_the_right_password_opens_and_is_recorded(client: Client, user: User) -> None:
    response = log_in(client)
    assert (response.status_code, response.url) == (302, "/")
    assert is_in(client)
    assert recorded() == [("login", "zhangsan")]
    entry = AuditEntry.objects.get(verb="login")
    assert (entry.user, entry.address) == (user, "10.1.1.1")
    assert entry.request_number == response.headers["X-Request-Number"]
    assert client.get("/login/").url == "/"


def test_a_wrong_one_says_the_same_whoever_it_is_and_keeps_the_name(client: Client, user: User) -> None:
    make_user("disabled", is_active=False)
    texts = set()
    for name in ("zhangsan", "nobody", "disabled"):
        response = log_in(client, name, "wrong" if name != "disabled" else PASSWORD)
        assert response.status_code == 200
        assert f'value="{name}"' in response.content.decode()
        texts.add(str(response.context["form"].non_field_errors()))
    assert len(texts) == 1
    assert "用户名或密码不正确" in texts.pop()
    assert not is_in(client)
    assert recorded() == [
        ("login_failed", "zhangsan"),
        ("login_failed", "不存在的用户名"),
        ("login_failed", "disabled"),
    ]


def test_what_was_typed_is_kept_nowhere(client: Client, user: User) -> None:
    log_in(client, "MySecret-typed-as-name", "Another-Secret-1")
    kept = str(list(AuditEntry.objects.values())) + str(list(AccessAttempt.objects.values("post_data")))
    assert "MySecret" not in kept
    assert "Another-Secret" not in kept


@pytest.mark.parametrize("name", ["", "zhang\x00san", "x" * 151, "张" * 200])
def test_names_that_cannot_be_are_refused_quietly(client: Client, user: User, name: str) -> None:
    assert log_in(client, name).status_code == 200
    assert log_in(client, "zhangsan", "x" * 5000).status_code == 200
    assert not is_in(client)


@pytest.mark.parametrize(
    ("wanted", "goal"),
    [
        ("/units/bureau/?as_of=2020-02-20", "/units/bureau/?as_of=2020-02-20"),
        ("https://evil.example/", "/"),
        ("//evil.example/", "/"),
        ("/\\evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("http:///evil.example", "/"),
        ("\x00//evil.example", "/"),
    ],
)
def test_it_leads_to_our_own_pages_only(client: Client, user: User, wanted: str, goal: str) -> None:
    assert log_in(client, next=wanted).url == goal
    assert client.get("/login/", {"next": wanted}).url == goal


def test_the_key_of_the_session_changes_with_the_login(client: Client, user: User) -> None:
    session = client.session
    session["planted"] = "1"
    session.save()
    planted = session.session_key
    client.cookies[project.SESSION_COOKIE_NAME] = planted
    log_in(client)
    assert client.session.session_key != planted
    assert not Session.objects.filter(session_key=planted).exists()


def test_the_login_form_needs_its_token(user: User) -> None:
    client = Client(enforce_csrf_checks=True)
    response = log_in(client)
    assert response.status_code == 403
    assert "表单已失效" in response.content.decode()
    assert not is_in(client)


# --- Lock-out ------------------------------------------------------------------------------------


def guess(number: int, client: Client, address: str = "10.1.1.1", username: str = "zhangsan") -> Any:
    """So many wrong passwords, one after the other, without the waiting between; the last answer."""
    for _number in range(number):
        response = log_in(client, username, "wrong", address=address)
        pass_time(minutes=15)
    return response


def pass_time(**of: int) -> None:
    """Let time pass for the failed logins."""
    for attempt in AccessAttempt.objects.all():
        AccessAttempt.objects.filter(pk=attempt.pk).update(
            attempt_time=attempt.attempt_time - timedelta(**of)
        )


def test_five_wrong_ones_make_account_and_address_wait(client: Client, user: User) -> None:
    for _number in range(4):
        assert log_in(client, password="wrong").status_code == 200
    response = log_in(client, password="wrong")
    assert response.status_code == 429
    text = response.content.decode()
    assert "请 60 秒后再试" in text
    assert 'value="zhangsan"' in text
    # Now the right one does not help, nor another browser; another address and another account do.
    assert log_in(client).status_code == 429
    assert (
        client.post(
            "/login/",
            {"username": "zhangsan", "password": PASSWORD},
            REMOTE_ADDR="10.1.1.1",
            HTTP_USER_AGENT="x",
        ).status_code
        == 429
    )
    assert not is_in(client)
    make_user("lisi")
    assert log_in(Client(), "lisi").status_code == 302
    assert log_in(Client(), address="10.1.1.2").status_code == 302
    assert recorded() == [
        *[("login_failed", "zhangsan")] * 4,
        ("login_locked", "zhangsan"),
        ("login", "lisi"),
        ("login", "zhangsan"),
    ]
    pass_time(minutes=1, seconds=1)
    assert log_in(client).status_code == 302


def test_the_wait_grows_and_is_forgotten_after_half_a_day(client: Client, user: User) -> None:
    guess(4, client)
    for said, minutes in (
        ("60 秒", 1),
        ("2 分钟", 2),
        ("4 分钟", 4),
        ("8 分钟", 8),
        ("15 分钟", 15),
        ("15 分钟", 15),
    ):
        assert f"请 {said}后再试" in log_in(client, password="wrong").content.decode()
        pass_time(minutes=minutes)
    assert log_in(client, password="wrong").status_code == 429
    pass_time(hours=12, seconds=1)
    assert log_in(client, password="wrong").status_code == 200


def test_trying_while_it_waits_does_not_prolong_it(client: Client, user: User) -> None:
    for _number in range(5):
        log_in(client, password="wrong")
    pass_time(seconds=50)
    assert log_in(client, password="wrong").status_code == 429
    pass_time(seconds=11)
    assert log_in(client).status_code == 302


def test_nobody_keeps_a_user_out_from_elsewhere(client: Client, user: User) -> None:
    log_in(client)
    client.post("/logout/")
    for number in range(25):
        guess(1, Client(), f"10.2.0.{number}")
    log_in(Client(), password="wrong", address="10.2.1.1")
    # Everybody waits for this account, and so does who is at the same address.
    assert log_in(Client(), address="10.3.0.1").status_code == 429
    # Not the browser in which the user has come in before, wherever it is now.
    assert log_in(client, address="10.3.0.1").status_code == 302
    client.post("/logout/")
    # It has a counter of its own, which others do not share.
    for _number in range(5):
        last = log_in(client, password="wrong", address="10.3.0.2")
    assert last.status_code == 429
    assert log_in(client, address="10.3.0.3").status_code == 429
    pass_time(hours=13)
    assert log_in(Client(), address="10.3.0.2").status_code == 302


def test_a_known_browser_is_known_to_its_own_accounts_only_and_by_our_signature(
    client: Client, user: User
) -> None:
    log_in(client)
    cookie = client.cookies[project.DEVICE_COOKIE_NAME]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    make_user("lisi")
    client.post("/logout/")
    # For another account it is as unknown as any other, and so it is with a mark that nobody signed.
    forged = Client()
    forged.cookies[project.DEVICE_COOKIE_NAME] = cookie.value[:-2] + "xx"
    for browser, name in ((client, "lisi"), (forged, "zhangsan")):
        guess(5, Client(), "10.5.0.1", name)
        log_in(Client(), name, "wrong", address="10.5.0.1")
        assert log_in(browser, name, address="10.5.0.1").status_code == 429
        # What a browser calls itself makes it no other one.
        facts = {"username": name, "password": PASSWORD}
        named = Client(headers={"user-agent": "device:x"})
        assert named.post("/login/", facts, REMOTE_ADDR="10.5.0.1").status_code == 429


def test_one_account_from_many_addresses_waits(client: Client, user: User) -> None:
    for number in range(20):
        last = log_in(client, password="wrong", address=f"10.2.0.{number}")
    assert last.status_code == 429
    assert log_in(client, address="10.3.0.1").status_code == 429


def test_one_address_with_many_accounts_waits_but_not_this_machine(client: Client, user: User) -> None:
    for number in range(50):
        last = log_in(client, f"guess{number}", "Password-1", address="10.4.0.1")
    assert last.status_code == 429
    assert log_in(client, address="10.4.0.1").status_code == 429
    assert log_in(client, address="10.4.0.2").status_code == 302
    for number in range(51):
        last = log_in(Client(), f"guess{number}", "Password-1", address="127.0.0.1")
    assert last.status_code == 200


def test_a_login_clears_ones_own_failures_and_nobody_elses(client: Client, user: User) -> None:
    make_user("lisi")
    for _number in range(4):
        log_in(client, password="wrong")
        log_in(client, "lisi", "wrong")
    log_in(client)
    assert set(AccessAttempt.objects.values_list("username", flat=True)) == {"lisi"}


# --- Who is behind a proxy -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("proxies", "remote", "forwarded", "found"),
    [
        ("", "10.0.0.9", "1.2.3.4", "10.0.0.9"),
        ("127.0.0.1", "10.0.0.9", "1.2.3.4", "10.0.0.9"),
        ("127.0.0.1", "127.0.0.1", "10.0.0.9", "10.0.0.9"),
        ("127.0.0.1", "127.0.0.1", "1.2.3.4, 10.0.0.9", "10.0.0.9"),
        ("127.0.0.1,10.0.0.0/24", "127.0.0.1", "8.8.8.8, 1.2.3.4, 10.0.0.9", "1.2.3.4"),
        ("127.0.0.1", "127.0.0.1", "<script>", "127.0.0.1"),
        ("127.0.0.1", "127.0.0.1", "", "127.0.0.1"),
    ],
)
def test_a_proxy_is_believed_only_when_it_is_named(
    client: Client, user: User, settings: Any, proxies: str, remote: str, forwarded: str, found: str
) -> None:
    from ipaddress import ip_network

    settings.TRUSTED_PROXIES = [ip_network(word) for word in proxies.split(",") if word]
    client.post(
        "/login/",
        {"username": "zhangsan", "password": PASSWORD},
        REMOTE_ADDR=remote,
        HTTP_X_FORWARDED_FOR=forwarded,
    )
    assert AuditEntry.objects.get(verb="login").address == found


# --- The password that must be changed -------------------------------------------------------------


def due_by_order(user: User) -> None:
    User.objects.filter(pk=user.pk).update(must_change_password=True)


def due_by_age(user: User) -> None:
    User.objects.filter(pk=user.pk).update(password_changed_at=timezone.now() - timedelta(days=91))


@pytest.mark.parametrize("make_due", [due_by_order, due_by_age])
def test_a_password_that_is_due_comes_before_everything(client: Client, user: User, make_due: Any) -> None:
    make_due(user)
    log_in(client)
    for address in ("/", "/units/bureau/", "/people/", "/account/", "/users/", "/pick/units/?q=x", "/admin/"):
        assert client.get(address).url == "/account/password/", address
    assert client.post("/units/bureau/edit/", {}).url == "/account/password/"
    part = client.get("/tree/side/", headers={"HX-Request": "true"})
    assert part.headers["HX-Redirect"] == "/account/password/"
    # On the page itself a part that is fetched must not load the page again, and so on for ever.
    there = {"HX-Request": "true", "HX-Current-URL": "http://testserver/account/password/"}
    part = client.get("/tree/side/", headers=there)
    assert (part.status_code, part.content) == (204, b"")
    assert "HX-Redirect" not in part.headers
    page = client.get("/account/password/")
    assert page.status_code == 200
    assert 'id="tree"' not in page.content.decode()
    new = {"old_password": PASSWORD, "new_password": "Xin-Ganlan-2020", "again": "Xin-Ganlan-2020"}
    assert client.post("/account/password/", new).url == "/"
    assert client.get("/account/").status_code == 200
    assert client.post("/logout/").url == "/login/"


def test_passwords_do_not_get_old_when_that_is_switched_off(
    client: Client, user: User, settings: Any
) -> None:
    due_by_age(user)
    settings.PASSWORD_DAYS = 0
    log_in(client)
    assert client.get("/account/").status_code == 200


def test_a_one_time_password_opens_once(client: Client, user: User) -> None:
    due_by_order(user)
    log_in(client)
    assert client.get("/").url == "/account/password/"
    # Nobody comes in with it again, whether or not a new one was set; the session that it opened goes on.
    again = Client()
    assert "一次性密码已经用过一次" in log_in(again).content.decode()
    assert not is_in(again)
    assert client.post("/logout/").url == "/login/"
    assert "请联系本单位管理员重新设置" in log_in(client).content.decode()
    # The next one opens again.
    password = accounts.set_one_time_password(actor=ACTOR, user=user)
    log_in(client, password=password)
    assert change(client, "Xin-Ganlan-2020", old=password).url == "/"
    client.post("/logout/")
    assert log_in(client, password="Xin-Ganlan-2020").url == "/"


def test_of_two_logins_with_it_at_once_one_comes_in(user: User) -> None:
    due_by_order(user)
    assert [accounts.spend_one_time_password(user=user) for _number in range(2)] == [True, False]


def test_a_one_time_password_ends(client: Client, user: User) -> None:
    due_by_order(user)
    long_ago = timezone.now() - timedelta(days=ONE_TIME_DAYS, minutes=1)
    User.objects.filter(pk=user.pk).update(password_changed_at=long_ago)
    response = log_in(client)
    assert "一次性密码已超过" in response.content.decode()
    assert not is_in(client)


# --- The second step -------------------------------------------------------------------------------


@pytest.fixture
def guarded(user: User) -> list[str]:
    codes = second_factor.turn_on(actor=ACTOR, user=user, key=KEY, code=code_now())
    TOTPDevice.objects.update(last_t=-1)
    return codes


def test_the_password_alone_opens_nothing(client: Client, user: User, guarded: list[str]) -> None:
    response = log_in(client, next="/units/bureau/")
    assert response.url == "/login/code/"
    assert not is_in(client)
    assert client.get("/units/bureau/").url.startswith("/login/")
    assert client.get("/account/password/").url.startswith("/login/")
    before = client.session.session_key
    response = client.post("/login/code/", {"code": code_now()})
    assert response.url == "/units/bureau/"
    assert is_in(client)
    assert client.session.session_key != before
    assert "login_pending" not in client.session
    assert AuditEntry.objects.get(verb="login").after == {"step": "authenticator"}


def test_a_code_opens_once_and_only_after_the_password(
    client: Client, user: User, guarded: list[str]
) -> None:
    assert client.post("/login/code/", {"code": code_now()}).url == "/login/"
    code = code_now()
    log_in(client)
    client.post("/login/code/", {"code": code})
    other = Client()
    log_in(other)
    response = other.post("/login/code/", {"code": code})
    assert "不正确或已用过" in response.content.decode()
    assert not is_in(other)


def test_wrong_codes_make_wait(client: Client, user: User, guarded: list[str]) -> None:
    log_in(client)
    assert "不正确" in client.post("/login/code/", {"code": "000000"}).content.decode()
    assert "秒后再试" in client.post("/login/code/", {"code": code_now()}).content.decode()
    assert not is_in(client)
    assert recorded() == [("login_failed", "zhangsan")] * 2
    TOTPDevice.objects.update(throttling_failure_timestamp=timezone.now() - timedelta(seconds=5))
    assert client.post("/login/code/", {"code": code_now()}).url == "/"


def test_a_recovery_code_opens_once_and_is_not_kept_in_the_clear(
    client: Client, user: User, guarded: list[str]
) -> None:
    assert len(set(guarded)) == 10
    assert not StaticToken.objects.filter(token__in=guarded).exists()
    log_in(client)
    assert client.post("/login/code/", {"code": f" {guarded[0].upper()} "}).url == "/"
    assert second_factor.codes_left(user) == 9
    client.post("/logout/")
    log_in(client)
    assert client.post("/login/code/", {"code": guarded[0]}).status_code == 200
    assert not is_in(client)
    StaticDevice.objects.update(throttling_failure_timestamp=timezone.now() - timedelta(seconds=5))
    held = StaticToken.objects.values_list("token", flat=True)[0]
    assert client.post("/login/code/", {"code": held}).status_code == 200
    assert not is_in(client)


def test_the_step_between_ends_with_time_password_and_account(
    client: Client, user: User, guarded: list[str]
) -> None:
    log_in(client)
    session = client.session
    session["login_pending"] = {**session["login_pending"], "until": time.time() - 1}
    session.save()
    assert client.post("/login/code/", {"code": code_now()}).url == "/login/"
    log_in(client)
    user.set_password("Another-1234")
    user.save()
    assert client.post("/login/code/", {"code": code_now()}).url == "/login/"
    log_in(client, password="Another-1234")
    User.objects.update(is_active=False)
    assert client.post("/login/code/", {"code": code_now()}).url == "/login/"
    assert not is_in(client)


# --- The end of sessions -----------------------------------------------------------------------------


def test_a_session_ends_when_nothing_is_asked_for_half_an_hour(client: Client, user: User) -> None:
    assert project.SESSION_COOKIE_AGE == 30 * 60
    log_in(client)
    session = Session.objects.get()
    assert timedelta(minutes=29) < session.expire_date - timezone.now() <= timedelta(minutes=30)
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    assert client.get("/account/").url.startswith("/login/")


def test_a_session_in_use_ends_after_twelve_hours(client: Client, user: User) -> None:
    log_in(client)
    Session.objects.update(started_at=timezone.now() - timedelta(hours=11, minutes=59))
    assert client.get("/account/").status_code == 200
    Session.objects.update(started_at=timezone.now() - timedelta(hours=12))
    assert client.get("/account/").url.startswith("/login/")
    assert not Session.objects.filter(user=user).exists()


def test_reading_pages_writes_the_session_once_a_minute_at_most(
    client: Client, user: User, django_assert_num_queries: Any
) -> None:
    log_in(client)
    client.get("/account/")
    session = Session.objects.get()
    client.get("/account/")
    client.get("/units/bureau/")
    assert Session.objects.get().seen_at == session.seen_at
    assert Session.objects.get().expire_date == session.expire_date
    Session.objects.update(seen_at=timezone.now() - timedelta(minutes=2))
    client.get("/account/")
    later = Session.objects.get()
    assert later.expire_date > session.expire_date
    assert later.started_at == session.started_at
    assert later.user == user


def test_logging_out_ends_the_session_by_post_only(client: Client, user: User) -> None:
    log_in(client)
    assert client.get("/logout/").status_code == 405
    assert is_in(client)
    assert client.post("/logout/").url == "/login/"
    assert not Session.objects.filter(user=user).exists()
    assert recorded()[-1] == ("logout", "zhangsan")


def test_a_disabled_user_is_out_at_once(client: Client, user: User) -> None:
    log_in(client)
    User.objects.update(is_active=False)
    assert client.get("/account/").url.startswith("/login/")


# --- One's own account ---------------------------------------------------------------------------------


def change(client: Client, new: str, old: str = PASSWORD, again: str | None = None):
    sent = {"old_password": old, "new_password": new, "again": new if again is None else again}
    return client.post("/account/password/", sent, REMOTE_ADDR="10.1.1.1")


EASY = [
    "Password123!",
    "Gongan@2020",
    "Jingcha110!",
    "Dezhou@2020",
    "Admin@123456",
    "Qwer1234!@#$",
    "P@ssw0rd2020",
    "Lisi@20200120",
    "1qaz@WSX3edc",
    "Woaini1314!",
    "Gongan.110.2020!",
    "G0ng@n.Jingch@.26",
    "人民公安为人民2020!",
    "公安公安公安公安公安",
    "不忘初心牢记使命永远跟党走",
]
"""What people in a police bureau try first: a known word, with a year, a number or signs around it."""


@pytest.mark.parametrize(
    ("new", "field", "said"),
    [
        ("Kurz-1", "new_password", "至少"),
        ("just-small-letters", "new_password", "汉字中的至少 3 类"),
        ("justsmall12345678", "new_password", "汉字中的至少 3 类"),
        ("Zhangsan123", "new_password", "相近"),
        ("Password123", "new_password", "常见"),
        ("A1-" + "x" * 130, "new_password", "128"),
        *[(easy, "new_password", "容易被猜到") for easy in EASY],
        (PASSWORD, "new_password", "最近 5 次"),
    ],
)
def test_the_rules_of_a_password(client: Client, user: User, new: str, field: str, said: str) -> None:
    log_in(client)
    response = change(client, new)
    assert response.status_code == 200
    assert said in "".join(response.context["form"].errors[field])
    user.refresh_from_db()
    assert user.check_password(PASSWORD)


def test_changing_it_ends_all_other_sessions(client: Client, user: User) -> None:
    other = Client()
    log_in(client)
    log_in(other, address="10.9.9.9")
    assert change(client, "Xin-Ganlan-2020", again="Xin-Ganlan-2021").context["form"].errors["again"]
    assert change(client, "Xin-Ganlan-2020").url == "/account/"
    assert client.get("/account/").status_code == 200
    assert other.get("/account/").url.startswith("/login/")
    assert log_in(Client()).status_code == 200
    assert log_in(Client(), password="Xin-Ganlan-2020").status_code == 302
    entry = AuditEntry.objects.get(verb="change_password")
    assert (entry.user, entry.before, entry.after) == (user, {}, {})


@pytest.mark.parametrize("new", ["我家门前有两棵枣树呢", "tian-Kong_7-shitou", "Correct Horse battery"])
def test_a_sentence_in_chinese_or_a_few_words_will_do(client: Client, user: User, new: str) -> None:
    log_in(client)
    assert change(client, new).url == "/account/"


@pytest.mark.parametrize(
    "new", ["Lianshui.Ju-8", "Liming.2020-ok", "mingli_A-2020", "PC-0031766-Aa", "Lianshuixian_1"]
)
def test_what_is_known_of_the_user_makes_no_password(client: Client, new: str) -> None:
    unit = make_unit("lianshui", name="涟水县公安局")
    user = make_user("xiaoli", unit, "clerk", display_name="李明")
    user.person = make_person("李明", unit, number="0031766")
    user.save()
    log_in(client, "xiaoli")
    assert "容易被猜到" in str(change(client, new).context["form"].errors)


def test_five_quick_changes_do_not_bring_an_old_one_back(client: Client, user: User) -> None:
    log_in(client)
    old = PASSWORD
    made = [f"Xin-Ganlan-{number}-Zz" for number in range(1, 8)]
    for new in made:
        assert change(client, new, old=old).status_code == 302, new
        old = new
    for new in (PASSWORD, *made):
        assert "180 天内用过" in str(change(client, new, old=old).context["form"].errors)


def test_guessing_the_present_password_in_a_stolen_session_ends_it(client: Client, user: User) -> None:
    log_in(client)
    for _number in range(4):
        assert "当前密码不正确" in str(change(client, "Xin-Ganlan-2020", old="wrong").context["form"].errors)
    assert change(client, "Xin-Ganlan-2020", old="wrong").status_code == 429
    assert not is_in(client)


def test_ending_all_other_sessions(client: Client, user: User) -> None:
    stranger = make_user("lisi")
    others = [Client(), Client()]
    for number, other in enumerate(others):
        log_in(other, address=f"10.8.0.{number}")
    away = Client()
    log_in(away, "lisi")
    log_in(client)
    page = client.get("/account/").content.decode()
    assert "10.8.0.1" in page
    assert "Chrome 120 · Windows" in page
    assert page.count("本次登录") == 1
    assert client.get("/account/sessions/end/").status_code == 405
    assert client.post("/account/sessions/end/").url == "/account/"
    assert all(other.get("/account/").status_code == 302 for other in others)
    assert client.get("/account/").status_code == 200
    assert away.get("/account/").status_code == 200
    entry = AuditEntry.objects.get(verb="end_sessions")
    assert (entry.object_id, entry.after) == (user.pk, {"sessions": 2})
    assert stranger.sessions.count() == 1


def test_turning_the_second_step_on_and_off(client: Client, user: User) -> None:
    other = Client()
    log_in(other, address="10.8.0.1")
    log_in(client)
    assert TOTPDevice.objects.count() == 0
    assert "当前密码不正确" in client.post("/account/second-step/", {"password": "x"}).content.decode()
    page = client.post("/account/second-step/", {"password": PASSWORD}).content.decode()
    assert "<svg" in page
    assert "style=" not in page
    assert TOTPDevice.objects.count() == 0
    key = client.session["second_factor_key"]
    assert re.search(r"<code>[A-Z2-7 ]{39}</code>", page)
    wrong = client.post("/account/second-step/", {"code": "000000"}).content.decode()
    assert "验证码不正确" in wrong
    assert not shows_key(wrong)
    assert not second_factor.is_on(user)
    done = client.post("/account/second-step/", {"code": code_now(key)})
    assert len(done.context["codes"]) == 10
    assert second_factor.is_on(user)
    assert other.get("/account/").status_code == 302
    assert client.get("/account/second-step/").url == "/account/"
    renewed = client.post("/account/second-step/codes/", {"password": PASSWORD})
    assert not set(renewed.context["codes"]) & set(done.context["codes"])
    assert client.post("/account/second-step/off/", {"password": "x"}).status_code == 200
    assert second_factor.is_on(user)
    assert client.post("/account/second-step/off/", {"password": PASSWORD}).url == "/account/"
    assert not second_factor.is_on(user)
    assert StaticDevice.objects.count() == 0
    verbs = ["turn_on_second_factor", "renew_recovery_codes", "turn_off_second_factor"]
    assert (
        list(AuditEntry.objects.filter(verb__in=verbs).order_by("pk").values_list("verb", flat=True)) == verbs
    )
    kept = str(list(AuditEntry.objects.values()))
    assert key not in kept
    assert not any(code in kept for code in renewed.context["codes"])


def shows_key(page: str) -> bool:
    return bool(re.search(r"<code>[A-Z2-7 ]{39}</code>", page)) or 'class="qr"' in page


def test_the_key_of_the_second_step_is_shown_once(client: Client, user: User) -> None:
    log_in(client)
    first = client.post("/account/second-step/", {"password": PASSWORD})
    assert shows_key(first.content.decode())
    assert first.headers["Cache-Control"] == "no-store, private"
    key = client.session["second_factor_key"]
    # Opened again, or gone back to, the page asks for the password, and what it showed is worth nothing.
    again = client.get("/account/second-step/").content.decode()
    assert not shows_key(again)
    assert 'name="password"' in again
    assert "second_factor_key" not in client.session
    client.post("/account/second-step/", {"code": code_now(key)})
    assert not second_factor.is_on(user)
    # Sent again by the browser, it is another key.
    client.post("/account/second-step/", {"password": PASSWORD})
    assert client.session["second_factor_key"] != key


def test_without_a_request_nobody_is_authenticated(user: User) -> None:
    from axes.exceptions import AxesBackendRequestParameterRequired

    with pytest.raises(AxesBackendRequestParameterRequired):
        authenticate(username="zhangsan", password=PASSWORD)
