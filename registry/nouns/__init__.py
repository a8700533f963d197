"""The nouns, one descriptor each, and the verbs with the roles that may do them.

Each app hands up its own by plain tuples of dotted names on its ``AppConfig``: ``nouns``, ``verbs``
(those that belong to no noun) and ``record_words``. They are read here, in the order of ``INSTALLED_APPS``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from django.apps import AppConfig, apps
from django.db.models import Model, prefetch_related_objects
from django.utils.module_loading import import_string

from registry.models import Unit
from registry.nouns.columns import Layout
from registry.nouns.noun import Noun
from registry.nouns.verbs import RecordWord, Verb


def all_nouns() -> tuple[Noun, ...]:
    """Return every noun, in the order in which they are declared."""
    return _declared().nouns


def by_key(key: str) -> Noun:
    """Return the noun with this key (``unit``). Raises ``LookupError``."""
    return _declared().by_key[key]


def knows(key: str) -> bool:
    """Whether there is a noun with this key."""
    return key in _declared().by_key


def describes(model: type[Model]) -> bool:
    """Whether a noun is declared for this model."""
    return model in _declared().by_model


def of(thing: Model | type[Model]) -> Noun:
    """Return the noun of a row or a model. Raises ``LookupError`` when none is declared for it."""
    model = thing._meta.concrete_model
    if model is None or (noun := _declared().by_model.get(model)) is None:
        raise LookupError(f"no noun is declared for {thing._meta.label}")
    return noun


def units_of(rows: Iterable[Model]) -> list[Unit | None]:
    """Return the unit of each row; those not at hand are read for all rows of a noun at once."""
    by_noun: dict[str, list[Model]] = {}
    for row in rows:
        by_noun.setdefault(of(row).key, []).append(row)
    units: list[Unit | None] = []
    for some in by_noun.values():
        noun = of(some[0])
        if noun.unit_path and len(some) > 1:
            prefetch_related_objects(some, noun.unit_path)
        units += map(noun.unit_of, some)
    return units


def all_verbs() -> dict[str, Verb]:
    """Return every verb by its slug: those of the nouns, then those without one."""
    return _declared().verbs


def verb(slug: str) -> Verb:
    """Return the verb with this slug. Raises ``LookupError``."""
    return all_verbs()[slug]


def recorded_verbs() -> list[tuple[str, list[tuple[str, str]]]]:
    """Return slug and Chinese name of the verbs that the record can hold, by noun, then by app."""
    groups = [(noun.label, noun.verbs) for noun in all_nouns()]
    for config in apps.get_app_configs():
        label = getattr(config, "verbs_label", config.verbose_name)
        groups.append((str(label), tuple(_handed_up_by(config, "verbs"))))
    named = [
        (label, [(each.slug, each.label) for each in verbs if each.is_recorded]) for label, verbs in groups
    ]
    return [(label, verbs) for label, verbs in named if verbs]


def routine_verbs() -> list[str]:
    """Return the verbs that the record leaves out until they are asked for."""
    return [each.slug for each in all_verbs().values() if each.is_routine]


def record_words() -> dict[str, RecordWord]:
    """Return what the record holds beside the fields of rows, by its name in the entries."""
    return _declared().record_words


def label_of(slug: str) -> str:
    """Return the Chinese name of a verb, or its slug if it is no longer declared."""
    known = all_verbs().get(slug)
    return known.label if known else slug


def edited_by(slug: str) -> Noun | None:
    """Return the noun whose plain facts are edited by this verb, if it is such a verb."""
    return next((noun for noun in all_nouns() if noun.edit == slug), None)


def layouts() -> dict[str, Layout]:
    """Return the layouts of the nouns' sheets by slug; what is named by a later one comes first."""
    return {noun.sheet.slug: noun.sheet for noun in all_nouns() if noun.sheet is not None}


def every_layout() -> dict[str, Layout]:
    """Return the layouts of all sheets by slug: those of the nouns, then those that users made.

    Apps hand up functions that return the latter as ``layouts``.
    """
    known = layouts()
    for config in apps.get_app_configs():
        for path in getattr(config, "layouts", ()):
            known |= {layout.slug: layout for layout in import_string(path)()}
    return known


def handed_up(name: str) -> list[Any]:
    """Return everything that the apps list by dotted names under ``name``, tuples flattened."""
    return [each for config in apps.get_app_configs() for each in _handed_up_by(config, name)]


def _handed_up_by(config: AppConfig, name: str) -> list[Any]:
    found: list[Any] = []
    for path in getattr(config, name, ()):
        each = import_string(path)
        found += each if isinstance(each, tuple) else [each]
    return found


class _Declared(NamedTuple):
    nouns: tuple[Noun, ...]
    by_key: dict[str, Noun]
    by_model: dict[type[Model], Noun]
    verbs: dict[str, Verb]
    record_words: dict[str, RecordWord]


def _read() -> _Declared:
    found = tuple(handed_up("nouns"))
    verbs = (*(each for noun in found for each in noun.verbs), *handed_up("verbs"))
    return _Declared(
        found,
        {noun.key: noun for noun in found},
        {noun.model: noun for noun in found},
        {each.slug: each for each in verbs},
        {name: word for words in handed_up("record_words") for name, word in words.items()},
    )


_held: tuple[dict[str, AppConfig], _Declared] | None = None


def _declared() -> _Declared:
    """Return what the installed apps declare; Django makes a new dictionary when tests change the apps."""
    global _held
    if _held is None or _held[0] is not apps.app_configs:
        _held = (apps.app_configs, _read())
    return _held[1]
