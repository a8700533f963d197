"""Sources: published articles and the figures that they report."""

from __future__ import annotations

from registry.models import Source
from registry.nouns.noun import Noun
from registry.nouns.verbs import Verb

SOURCE = Noun(
    key="source",
    plural="sources",
    label="来源",
    model=Source,
    measure="篇",
    verbs=(Verb("add_source", "登记来源"), Verb("add_figures", "登记报道数")),
)
