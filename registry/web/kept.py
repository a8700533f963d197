"""What somebody had filled in when the login ended: kept, and shown again in the form."""

from __future__ import annotations

from django.core import signing
from django.http import HttpRequest, QueryDict

FORM_KEY = "form_key"
"""The hidden field with the key of a form (``registry.web.once``)."""
_KEY = "kept_input"
_SALT = "registry.web.kept"
_LONGEST = 200_000
"""At most so many characters are kept; a form of the registry has a fraction of that."""
_NEVER = ("csrfmiddlewaretoken", "password")
_PAGES_OF_SECRETS = ("login", "account", "user_password")
RESTORED = "刚才填写的内容没有保存,已恢复在下面,请核对后再保存。"


def is_kept(request: HttpRequest) -> bool:
    """Whether what the form sent may be shown again: a form of a page, without secrets."""
    match = request.resolver_match
    return (
        match is not None
        and not (match.url_name or "").startswith(_PAGES_OF_SECRETS)
        and "HX-Request" not in request.headers
    )


def pack(request: HttpRequest, *, but: tuple[str, ...] = ()) -> str:
    """Return what a form sent, signed, to go through the login page; empty when there is nothing to keep.

    Passwords and codes of the second step are never kept, nor are files: the browser sends them only once.
    """
    if not is_kept(request):
        return ""
    sent = request.POST.copy()
    for name in [name for name in sent if name in but or any(word in name for word in _NEVER)]:
        del sent[name]
    text = sent.urlencode()
    if not any(sent[name] for name in sent if name != FORM_KEY) or len(text) > _LONGEST:
        return ""
    return signing.dumps([request.path, text], salt=_SALT, compress=True)


def keep(request: HttpRequest, packed: str, said: str = RESTORED) -> None:
    """Hold what was packed until the page of its form is opened in this session, which then says ``said``."""
    try:
        path, text = signing.loads(packed, salt=_SALT, max_age=24 * 3600)
        request.session[_KEY] = [path, text, said]
    except signing.BadSignature:
        request.session.pop(_KEY, None)


def take_back(request: HttpRequest) -> tuple[QueryDict, str] | None:
    """Return what was kept for this page, once, and what to say of it."""
    path, text, said = request.session.get(_KEY) or ("", "", "")
    if path != request.path:
        return None
    del request.session[_KEY]
    return QueryDict(text), said
