"""What somebody had filled in when the login ended: kept, and shown again in the form."""

from __future__ import annotations

from django.contrib import messages
from django.core import signing
from django.http import HttpRequest, QueryDict

_KEY = "kept_input"
_SALT = "registry.web.kept"
_LONGEST = 200_000
"""At most so many characters are kept; a form of the registry has a fraction of that."""
_NEVER = ("csrfmiddlewaretoken", "password")
_PAGES_OF_SECRETS = ("login", "account", "user_password")
RESTORED = "刚才填写的内容没有保存,已恢复在下面,请核对后再保存。"


def pack(request: HttpRequest) -> str:
    """Return what a form sent, signed, to go through the login page; empty when there is nothing to keep.

    Passwords and codes of the second step are never kept, nor are files: the browser sends them only once.
    """
    match = request.resolver_match
    if (
        match is None
        or (match.url_name or "").startswith(_PAGES_OF_SECRETS)
        or "HX-Request" in request.headers
    ):
        return ""
    sent = request.POST.copy()
    for name in [name for name in sent if any(word in name for word in _NEVER)]:
        del sent[name]
    text = sent.urlencode()
    if not any(sent.values()) or len(text) > _LONGEST:
        return ""
    return signing.dumps([request.path, text], salt=_SALT, compress=True)


def keep(request: HttpRequest, packed: str) -> None:
    """Hold what was packed until the page of its form is opened in this session."""
    try:
        request.session[_KEY] = signing.loads(packed, salt=_SALT, max_age=24 * 3600)
    except signing.BadSignature:
        request.session.pop(_KEY, None)


def take_back(request: HttpRequest) -> QueryDict | None:
    """Return what was kept for this page, once, and say so on it."""
    path, text = request.session.get(_KEY) or ("", "")
    if path != request.path:
        return None
    del request.session[_KEY]
    messages.warning(request, RESTORED)
    return QueryDict(text)
