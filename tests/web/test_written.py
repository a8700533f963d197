"""Small parts and tables: counts with commas, changes, and what a phone's cards need of a table's markup."""

from __future__ import annotations

import re

import pytest
from django.template import Context, Template

from registry.web.columns import Column, Grid
from registry.web.templatetags.parts import count, delta, thousands
from registry.web.written import draw

WIDE = """
<thead><tr>
  <th scope="col">单位</th><th scope="col" class="n">党支部</th><th scope="col" class="n drop">队员
  <a href="?sort=-x">人</a></th><th scope="col" class="drop-2">口径</th><th scope="col">备注</th>
</tr></thead>
<tbody><tr>
  <th scope="row">市局</th><td class="n">1</td><td class="n">2</td><td>现有</td>
  <td class="text" id="note">a &gt; b</td>
</tr></tbody>
<tfoot><tr><th scope="row">合计</th><td colspan="4">3</td></tr></tfoot>
"""


def test_a_count_has_commas_and_a_year_has_none() -> None:
    said = {10152: "10,152", 999: "999", 1000: "1,000", -2500: "-2,500", "2020": "2020", None: "None"}
    assert {value: thousands(value) for value in said} == said
    assert count(10152, "/rows/") == '<a class="count" href="/rows/">10,152</a>'
    assert count(0, "/rows/") == '<span class="zero">0</span>'
    assert count(None) == '<span class="zero">–</span>'


@pytest.mark.parametrize(
    ("change", "said"), [(1024, "▲增加\xa01,024"), (-3, "▼减少\xa03"), (0, "持平"), (None, "")]
)
def test_a_change_is_one_word(change: int | None, said: str) -> None:
    drawn = delta(change)
    assert re.sub("<[^>]+>", "", drawn) == said
    assert " " not in said, "the sign never parts from its number"


def test_cells_of_a_wide_table_say_their_head_their_role_and_their_rank() -> None:
    drawn = draw(WIDE, "ledger")
    assert drawn.startswith('<div class="table-wrap ledger"><table class="cards" role="table">')
    cells = re.findall(r"<(t[hd])([^>]*)>", drawn[drawn.index("<tbody") :])
    assert [(tag, re.sub(r"\s+", " ", facts).strip()) for tag, facts in cells] == [
        ("th", 'scope="row" role="rowheader"'),
        ("td", 'class="n" role="cell" data-l="党支部"'),
        ("td", 'class="n drop" role="cell" data-l="队员 人"'),
        ("td", 'class="drop-2" role="cell" data-l="口径"'),
        ("td", 'class="text" id="note" role="cell" data-l="备注"'),
        ("th", 'scope="row" role="rowheader"'),
        ("td", 'colspan="4" role="cell"'),
    ]
    assert drawn.count('role="columnheader"') == 5
    assert drawn.count('role="row"') == 3
    assert drawn.count('role="rowgroup"') == 3


def test_a_narrow_table_is_no_cards() -> None:
    drawn = Template("{% load parts %}{% table %}<tbody><tr><td>1</td></tr></tbody>{% endtable %}").render(
        Context()
    )
    assert drawn == '<div class="table-wrap"><table><tbody><tr><td>1</td></tr></tbody></table></div>'


def test_a_narrow_table_leaves_out_whole_columns() -> None:
    """The rank is written at the head only; without it in the cells a phone would hide the head alone."""
    body = "<tbody><tr><th>甲</th><td class='n'>1</td></tr></tbody>"
    table = "{% table '台账' '计什么数|drop-2' %}" + body + "{% endtable %}"
    drawn = Template("{% load parts %}" + table).render(Context())
    assert 'class="cards"' not in drawn
    assert re.findall(r'class="([^"]*drop-2)"', drawn) == ["drop-2", "drop-2"]


def test_the_rank_of_a_column_is_at_its_head_and_in_its_cells() -> None:
    ranked: list[Column[str]] = [Column("甲", rank=rank) for rank in (1, 2, 3, 4)]
    assert [each.head_css for each in ranked] == ["", "drop-2", "drop", "xl"]
    assert [each.opening for each in ranked] == [
        f'<td role="cell" class="{css}" data-l="甲">' for css in ("", "drop-2", "drop", "xl")
    ]
    tick = Column[str]("选", css="tick no-print")
    assert [Grid(columns, []).is_cards for columns in (ranked, [tick, *ranked], [*ranked, ranked[0]])] == [
        False,
        False,
        True,
    ]


def test_heads_given_as_words_are_drawn_as_those_written_out() -> None:
    said = "{% load parts %}{% table '行' '行数|n' '代码|n drop' '' '备注' %}<tbody></tbody>{% endtable %}"
    written = (
        '<thead><tr><th scope="col">行</th><th scope="col" class="n">行数</th>'
        '<th scope="col" class="n drop">代码</th><th scope="col"></th><th scope="col">备注</th></tr></thead>'
    )
    assert Template(said).render(Context()) == draw(f"{written}<tbody></tbody>")
