"""What goes wrong is said: unknown addresses, faults, bad dates, no login."""

from __future__ import annotations

import logging
import re
from datetime import date

import pytest
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from tests.factories import make_campaign, make_organization, make_person, make_unit, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def manager(client):
    unit = make_unit("top")
    make_organization(unit, code="branch")
    make_person("甲", unit, number="001")
    client.force_login(make_user("manager", unit=unit))
    return client


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("/units/nowhere/", "没有代码为“nowhere”的单位"),
        ("/organizations/nothing/", "没有代码为“nothing”的组织"),
        ("/people/999/", "没有警号为“999”的人员"),
        ("/sources/77/", "没有编号为“77”的来源"),
        ("/assignments/4711/end/", "没有这条编入记录"),
        ("/people/?unit=nowhere", "没有代码为“nowhere”的单位"),
        ("/people/?metric=nonsense", "没有名为“nonsense”"),
        ("/no/such/page/", ""),
    ],
)
def test_what_is_not_there_is_named_with_help(manager, address, said):
    response = manager.get(address)
    page = response.content.decode()
    assert response.status_code == 404
    assert said in page
    assert address.split("?")[0] in page
    assert 'action="/search/"' in page  # a way on
    assert response["X-Request-Number"]


def test_the_helping_page_is_shown_while_debugging_too(manager, settings):
    settings.DEBUG = True
    response = manager.get("/units/nowhere/")
    assert response.status_code == 404
    assert "没有代码为“nowhere”的单位" in response.content.decode()
    assert "DEBUG" not in response.content.decode()


def test_a_name_in_the_address_is_escaped(manager):
    page = manager.get("/people/%3Cscript%3Ealert(1)%3C%2Fscript%3E/").content.decode()
    assert "<script>alert" not in page
    page = manager.get("/people/", {"metric": "<script>alert(1)</script>"}).content.decode()
    assert "<script>alert" not in page


def test_a_zero_byte_is_not_a_fault(manager):
    for address in ("/people/%00/", "/people/%00/edit/", "/people/?q=%00", "/people/?campaign=%00&unit=%00"):
        assert manager.get(address).status_code in (200, 404)
    sent = {"members": "a\x00b", "members_text": "\x00", "numbers": "\x00", "started_on": "2020-02-05"}
    assert manager.post(reverse("organization_members_add", args=["branch"]), sent).status_code == 200


def test_a_fault_shows_the_number_that_the_log_has(manager, monkeypatch, caplog):
    def broken(*args, **kwargs):
        raise RuntimeError("broken on purpose")

    monkeypatch.setattr("registry.pages.people.views.access.get_person", broken)
    manager.raise_request_exception = False
    with caplog.at_level(logging.ERROR, logger="django.request"):
        response = manager.get("/people/001/")
    number = response["X-Request-Number"]
    assert response.status_code == 500
    assert re.fullmatch(r"[0-9a-f]{10}", number)
    assert number in response.content.decode()
    assert "broken on purpose" not in response.content.decode()
    (record,) = [record for record in caplog.records if record.name == "django.request"]
    assert record.request.request_number == number


def test_numbers_differ_from_request_to_request(manager):
    assert manager.get("/people/")["X-Request-Number"] != manager.get("/people/")["X-Request-Number"]


class TestRefusedByRole:
    """Who sees it but may not change it is told which role may, and whom to ask."""

    @pytest.fixture
    def viewer(self, client):
        top = make_unit("top", name="市公安局")
        unit = make_unit("station", top, name="城关派出所", short_name="城关所")
        make_organization(unit, code="branch", state="submitted")
        make_user("above", top, "manager", display_name="钱局")
        make_user("approver", unit, "approver", display_name="赵所")
        make_user("clerk", unit, "clerk", display_name="孙内勤")
        gone = make_user("gone", unit, "approver", display_name="旧人")
        type(gone).objects.filter(pk=gone.pk).update(is_active=False)
        client.force_login(make_user("viewer", unit, "viewer"))
        return client

    def test_the_roles_and_the_people_who_have_them_are_named(self, viewer):
        response = viewer.get(
            "/organizations/branch/approve/", headers={"referer": "http://testserver/people/?q=1"}
        )
        page = " ".join(response.content.decode().split())
        assert response.status_code == 403
        assert "没有权限:批准" in page
        assert "“批准”需要审批或管理员角色。" in page
        assert "您的角色是城关所 查看。" in page
        assert "赵所(城关所 审批)" in page
        assert "孙内勤" not in page  # has not the role
        assert "旧人" not in page  # cannot log in
        assert "钱局" not in page  # stands at a unit that the viewer does not see
        assert '<a class="btn" href="/people/?q=1">返回上一页</a>' in page
        assert 'action="/search/"' in page

    def test_where_nobody_is_seen_who_may_the_unit_above_is_asked(self, viewer):
        page = viewer.get("/units/station/edit/").content.decode()
        assert "需要管理员角色" in page
        assert "需要时请联系上级单位的管理员。" in page

    def test_it_is_the_same_where_the_page_is_about_no_row(self, viewer):
        page = " ".join(viewer.get("/imports/").content.decode().split())
        assert "需要录入或管理员角色" in page
        assert "孙内勤(城关所 录入)" in page


def test_what_was_filled_in_is_sent_again_after_a_fault(manager, monkeypatch):
    def broken(*args, **kwargs):
        raise RuntimeError("broken on purpose")

    monkeypatch.setattr("registry.pages.organizations.changes.access.get_unit", broken)
    manager.raise_request_exception = False
    address = "/units/top/register/?campaign=yiqing&as_of=2020-02-20"
    page = manager.post(address, {"name": "<新支部>", "units": ["a", "b"]}).content.decode()
    assert f'action="{address}"'.replace("&", "&amp;") in page
    assert 'name="name" value="&lt;新支部&gt;"' in page
    assert page.count('name="units"') == 2
    assert "再提交一次" in page
    for way in ("/?campaign=yiqing&amp;as_of=2020-02-20", "/search/?campaign=yiqing&amp;as_of=2020-02-20"):
        assert f'href="{way}"' in page
    again = manager.get("/units/top/register/").content.decode()
    assert "再提交一次" not in again
    secret = manager.post("/account/password/", {"old_password": "x", "reason": "y"}).content.decode()
    assert 'value="x"' not in secret


def test_a_page_that_is_not_there_keeps_campaign_and_date_and_leads_back(manager):
    headers = {"referer": "http://testserver/people/"}
    page = manager.get("/units/nowhere/?as_of=2020-02-20", headers=headers).content.decode()
    assert '<a class="btn" href="/?as_of=2020-02-20">回到总览</a>' in page
    assert '<a class="btn" href="/people/">返回上一页</a>' in page
    assert '<input type="hidden" name="as_of" value="2020-02-20">' in page
    elsewhere = manager.get("/units/nowhere/", headers={"referer": "https://example.org/"}).content.decode()
    assert "返回上一页" not in elsewhere


def test_both_searches_of_an_error_page_stay_on_today_where_the_campaign_is_over(manager):
    campaign = make_campaign(ended_on=date(2020, 5, 1))
    today = f"{timezone.localdate():%Y-%m-%d}"
    page = manager.get(f"/units/nowhere/?campaign={campaign.code}&as_of={today}").content.decode()
    assert page.count(f'<input type="hidden" name="as_of" value="{today}">') == 2


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("as_of=2020-13-01", "截至日期有误:日期“2020-13-01”不存在,请写成 2020-02-03 或 2月3日。"),
        ("as_of=2999-01-01", "2999-01-01 不在 1900 至 2099 年之间"),
        ("as_of=2099-01-01", "晚于今天"),
        ("as_of=1910-01-01", "太早"),
        ("basis=maybe", "统计口径“maybe”不存在"),
        ("basis=new&since=soon", "起始日期有误:“soon”不是日期,请写成 2020-02-03 或 2月3日。"),
        ("campaign=nothing", "没有代码为“nothing”的专项任务"),
    ],
)
@pytest.mark.parametrize("path", ["/people/", "/assignments/", "/reconciliation/", "/people/001/"])
def test_a_bad_address_says_so_and_shows_today(manager, path, query, said):
    response = manager.get(f"{path}?{query}")
    page = " ".join(response.content.decode().split())
    assert response.status_code == 200
    assert said in page
    assert "地址有误" in page
    if "campaign" not in query:
        assert "以下是今天的现有数" in page
    if path != "/reconciliation/":  # on no day of its own
        assert f'name="as_of" value="{timezone.localdate():%Y-%m-%d}"' in page


def _patterns(resolver: URLResolver, prefix: str = "") -> list[tuple[str, URLPattern]]:
    found = []
    for each in resolver.url_patterns:
        path = prefix + str(each.pattern)
        found += _patterns(each, path) if isinstance(each, URLResolver) else [(path, each)]
    return found


def test_every_page_but_the_login_needs_a_login(client):
    make_unit("top")
    checked = 0
    for path, pattern in _patterns(get_resolver()):
        if pattern.name in (
            "login",
            "login_code",
            "logout",
            "healthz",
            "readyz",
            "metrics",
        ) or path.startswith("^"):
            continue
        address = "/" + re.sub(r"<(\w+):\w+>|<\w+>", lambda match: "1" if match[1] == "int" else "top", path)
        if "(" in address or "\\" in address:
            continue
        for answer in (client.get(address), client.post(address)):
            assert answer.status_code == 302, address
            # The admin sends visitors on to the same login.
            assert answer.url.startswith(("/login/?next=", "/admin/login/?next=")), address
        checked += 1
    assert checked > 40


def test_the_login_page_opens_and_lets_in(client):
    make_user("someone", unit=make_unit("top"))
    assert "登录" in client.get("/login/").content.decode()
    wrong = client.post("/login/", {"username": "someone", "password": "no"})
    assert wrong.status_code == 200
    response = client.post(
        "/login/?next=/people/", {"username": "someone", "password": "correct horse battery"}
    )
    assert response.url == "/people/"
    away = client.post("/logout/")
    assert away.status_code == 302
    assert client.get("/people/").status_code == 302
