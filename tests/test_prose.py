"""Templates: numbers come from the data, or the sentence is refused."""

import pytest

from evidence.review.bibliography import with_citations, without_citations
from evidence.wording.prose import (
    MissingValueError,
    escaped,
    fill,
    in_words,
    interval,
    joined,
    p_value,
    percent,
    together,
)


class Row:
    effect, count, empty, name, share = -0.34, 8, float("nan"), "a*b<c>", 0.71


FACTS = {"row": Row, "list": ["a", "b", "c"], "yes": True}


@pytest.mark.parametrize(("template", "expected"), [
    ("{row.effect:.2f}", "−0.34"),
    ("{row.effect:+.1f}", "−0.3"),
    ("{row.effect:abs.1f} points", "0.3 points"),
    ("{row.count:words} women", "eight women"),
    ("{row.count:Words} women", "Eight women"),
    ("{list:list}", "a, b and c"),
    ("{yes:null} no difference", "excludes no difference"),
    ("{row.share:.0%} of pairs", "71\N{NO-BREAK SPACE}% of pairs"),
    ("{row.effect:.1%}", "−34.0\N{NO-BREAK SPACE}%"),
])
def test_placeholders(template, expected):
    assert fill(template, FACTS) == expected


@pytest.mark.parametrize("template", [
    "{row.empty:.1f}", "{row.nothing}", "{nobody.effect}", "{}", "{row.name:.2f}",
])
def test_a_sentence_without_its_value_is_refused(template):
    with pytest.raises(MissingValueError, match=r"in: "):
        fill(template, FACTS)


def test_words_and_numbers():
    assert [in_words(n) for n in (0, 1, 12, 20, 21, 1234)] == [
        "none", "one", "twelve", "twenty", "21", "1,234"
    ]
    assert interval(-0.95, 0.27) == "−0.95 to 0.27"
    assert [p_value(p) for p in (0.0001, 0.016, 0.27)] == ["below 0.001", "0.016", "0.27"]
    assert joined(["a"]) == "a" and joined(["a", "b"], "or") == "a or b"


def test_citations_are_replaced_together_and_can_be_left_out():
    text = "**Known** [@one; @two/3]. Not a [link](x) and not [@ this]."
    assert with_citations(text, str.upper) == (
        "**Known** (ONE; TWO/3). Not a [link](x) and not [@ this]."
    )
    assert without_citations("**Known** [@one; @two].") == "Known."


def test_text_of_a_table_cannot_become_markup():
    assert not set("<>*|`[]") & set(escaped("<b>*x*</b> | `y` [z]"))


def test_numbers_and_their_units_are_kept_together():
    assert percent(-0.023, 1) == "−2.3\N{NO-BREAK SPACE}%"
    assert together("n = 34").split(" ") == ["n\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}34"]
