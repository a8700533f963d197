"""Choosing a metric: the declared ones from a box of choices, those that users made by a search."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

from django.core.exceptions import ValidationError
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe

from registry import access
from registry.counting.metric import Metric
from registry.counting.metrics import METRICS, made_metrics
from registry.models.pinyin import in_organs, spellings
from registry.web.fields import Picked, SearchedField, SearchedWidget

Choices = list[tuple[str, list[tuple[str, str]]]]


def declared_choices(without: Sequence[str] = ()) -> Choices:
    """Return the declared metrics as choices, in their groups."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for slug, metric in METRICS.items():
        if slug not in without:
            groups.setdefault(metric.group or "其他", []).append((slug, str(metric.label)))
    return list(groups.items())


def every_choice(user: access.AnyUser) -> Choices:
    """Return the declared metrics, and those that users made and ``user`` sees, in their groups."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for metric in access.made_seen(user, list(made_metrics().values())):
        groups.setdefault(metric.group, []).append((metric.slug, str(metric.label)))
    return [*declared_choices(), *groups.items()]


def seen_metrics(user: access.AnyUser, slugs: Iterable[str]) -> dict[str, Metric]:
    """Return the metrics with these slugs, by slug; of those that users made the ones that ``user`` sees."""
    return {
        metric.slug: metric
        for metric in access.made_seen(user, [METRICS[slug] for slug in slugs if slug in METRICS])
    }


def find_metrics(user: access.AnyUser, text: str) -> list[Metric]:
    """Return the metrics made by users and seen by ``user`` of which group or name has the text or its sound.

    Those with that name come first, then those that begin so, then the rest, each in the order of the groups.
    """
    wanted = "".join(text.casefold().split())
    found = [
        (at, metric)
        for metric in made_metrics().values()
        if wanted and (at := _place(wanted, str(metric.label), metric.group)) is not None
    ]
    found.sort(key=lambda each: (each[0], each[1].group))
    return access.made_seen(user, [metric for _at, metric in found])


@lru_cache(maxsize=5000)
def _words(label: str, group: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return a name as it may be typed, and what else finds it."""
    name = label.casefold()
    return (name, *(each for way in spellings(name, in_organs) for each in way)), (
        group.casefold(),
        *(each for way in spellings(group, in_organs) for each in way),
    )


def _place(wanted: str, label: str, group: str) -> int | None:
    """Return how well a metric fits what was typed: 0 is best; None: it does not."""
    names, more = _words(label, group)
    if wanted in names:
        return 0
    if any(name.startswith(wanted) for name in names):
        return 1
    return 2 if any(wanted in each for each in (*names, *more)) else None


class MetricWidget(SearchedWidget):
    """A search box for metrics that users made."""

    def render(
        self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None
    ) -> SafeString:
        """Draw the box, with chips for what is chosen."""
        picked = value if isinstance(value, Picked) else Picked(list(value or ()))
        chosen = [METRICS[slug] for slug in picked.keys if slug in METRICS]
        attributes = attrs or {}
        picker = {
            "id": attributes.get("id", f"id_{name}"),
            "name": name,
            "url": reverse("pick_metrics"),
            "multiple": False,
            "chosen": [{"value": each.slug, "label": str(each.label), "note": each.group} for each in chosen],
            "roles": (),
            "text": picked.text,
            "placeholder": "输入台账或指标的名称查找",
            "describedby": attributes.get("aria-describedby", ""),
        }
        return mark_safe(render_to_string("parts/picker.html", {"picker": picker}))


class MetricField(SearchedField):
    """A metric that users made, found by its name: cleans to its slug, or ""."""

    widget = MetricWidget

    def clean(self, value: Any) -> str:
        """Return the slug; say what was not found."""
        assert self.user is not None
        found, problems = picked_metrics(self.user, value if isinstance(value, Picked) else Picked())
        if problems:
            raise ValidationError(problems)
        return found[0].slug if found else ""


def picked_metrics(user: access.AnyUser, picked: Picked) -> tuple[list[Metric], list[str]]:
    """Return the metrics that were chosen, or typed by their name, and what of it could not be used."""
    known = seen_metrics(user, picked.keys)
    problems = [f"没有名为“{slug}”的统计指标,没有使用。" for slug in picked.keys if slug not in known]
    found = list(known.values())
    if typed := picked.text.strip():
        named = find_metrics(user, typed)
        exact = [metric for metric in named if str(metric.label) == typed] or named
        if len(exact) == 1:
            found.append(exact[0])
        else:
            words = "、".join(f"{metric.label}({metric.group})" for metric in exact[:5])
            why = f"有多个:{words}。请写全名称,或从查找结果中选择" if exact else "没有找到,请检查名称"
            problems.append(f"指标“{typed}”{why}。")
    return found, problems
