"""The answer: short sentences, details, and the page that holds it."""

import pytest
from matplotlib.lines import Line2D
from pptx.enum.shapes import MSO_SHAPE_TYPE

import drawn
import evidence.chapters  # noqa: F401  (registers its facts)
from evidence.figures import catalogue
from evidence.pooling import Analyses
from evidence.publish.slides.native import add_native
from evidence.publish.slides.shapes import new_show, new_slide
from evidence.review import ReviewError, load_review, without_citations
from evidence.wording import Facts, answers
from figure_checks import outside, overlaps, past_margins, small, texts

HEAD = "line,part,title,outcome,verdict,number,interval,says,reader,patient\n"
FIGURES = ("figure,kind,notebook,select,message,subtitle,caption\n"
           "answer,answer,start,warmth,Tea may warm feet,{review.question},Caption\n")
REVIEW = "item,value\nquestion,Does tea warm feet?\nintervention_label,tea\n"
WARM = ("1,short,Warmth,feet,Tea may warm feet,{analyses[warmth].estimate:+.2f},"
        "({analyses[warmth].ci_low:.2f} to {analyses[warmth].ci_high:.2f}),degrees,"
        "Feet are warmer by {analyses[warmth].estimate:.2f} degrees [@abel2001].,Tea warms.\n")
COLD = "2,short,Harms,,Nobody counted harms,none,,of two trials,Harms were not counted.,\n"
REST = ("3,detail,,,,,,,Both trials are *small* <b>.,Few people.\n"
        "4,detail,,,,,,,Another line.,\n5,foot,Basis,,,,,,Two trials.,\n"
        "6,aside,Apart,,,,,,a change without control,\n")


@pytest.fixture
def tea(minimal):
    """A review with an answer of two topics."""
    def write(lines=WARM + COLD + REST, head=HEAD):
        for name, text in (("answers", head + lines), ("figures", FIGURES), ("review", REVIEW)):
            (minimal / "data" / f"{name}.csv").write_text(text)
        loaded = load_review(minimal)
        analyses = Analyses(loaded)
        return loaded, analyses, Facts(loaded, analyses)
    return write


def page_of(review, analyses):
    return catalogue.build(review, analyses, "answer")


@pytest.fixture(scope="module")
def own():
    return drawn.REVIEW, drawn.ANALYSES


def test_short_sentences_stand_first_and_details_are_a_paragraph(tea):
    review, _, facts = tea()
    text = answers.text(review, facts, "reader")
    short, more = text.split("\n\n")
    assert short.splitlines() == [
        "1. **Warmth.** Feet are warmer by 1.09 degrees [@abel2001].",
        "2. **Harms.** Harms were not counted."]
    assert more == "*In more detail.* Both trials are *small* &lt;b&gt;. Another line."
    assert answers.sentences(review, facts, "patient") == ["**Warmth.** Tea warms."]
    assert answers.audiences(review) == ["reader", "patient"]


def test_a_review_without_parts_has_numbered_lines(tea):
    review, _, facts = tea("1,First.\n2,Second.\n", head="line,reader\n")
    assert answers.text(review, facts, "reader") == "1. First.\n2. Second."
    assert answers.sentences(review, facts, "reader") == []


@pytest.mark.parametrize(("old", "new", "rule"), [
    ("Tea warms.", "word " * 21, "csv:2 patient: .* has 21 words, say it in 20"),
    ("Tea may warm feet", "word " * 11, "csv:2 verdict: .* has 11 words, say it in 10"),
    ("[warmth].estimate:+", "[cold].estimate:+", "csv:2 number: .* is not there"),
])
def test_a_line_that_is_too_long_or_asks_for_too_much_is_named(tea, old, new, rule):
    review, _, facts = tea((WARM + COLD).replace(old, new))
    with pytest.raises(ReviewError, match=rule):
        answers.tiles(review, facts)
        answers.text(review, facts, "patient")


def test_words_are_counted_without_citations(tea):
    review, _, facts = tea(WARM.replace("Tea warms.", "word " * 19 + "word [@abel2001; @cole2005]"))
    assert len(answers.sentences(review, facts, "patient")) == 1


def test_the_page_shows_each_topic_and_no_interval_where_there_is_none(tea):
    review, analyses, facts = tea()
    assert [tile.interval for tile in answers.tiles(review, facts)] == ["(−3.29 to 5.46)", ""]
    shown = texts(page_of(review, analyses).figure())
    for words in ("Warmth", "Tea may warm feet", "+1.09", "(−3.29 to 5.46)", "Harms", "none",
                  "Basis", "Two trials.", "Apart: a change without control"):
        assert words in shown, words
    assert not any("pooled" in text for text in shown)  # two trials are rows, no diamond


def test_without_a_topic_there_is_no_page_but_a_reason(tea):
    review, analyses, facts = tea(REST)
    assert answers.tiles(review, facts) == []
    assert "o short line of data/answers.csv has a title" in page_of(review, analyses).subtitle


@pytest.mark.parametrize("style", ["slide", "notebook", "print"])
def test_the_own_answer_fits_its_page(own, style):
    figure = page_of(*own).figure(style)
    assert outside(figure) == [] and past_margins(figure) == []
    assert overlaps(figure) == [] and small(figure) == []


def test_certainty_stands_in_signs_and_in_words(own):
    figure = page_of(*own)
    canvas = figure.figure()
    crosses = [line for line in canvas.findobj(Line2D) if line.get_marker() == "+"]
    levels = {"very low": 1, "low": 2, "moderate": 3, "high": 4}
    said = figure.table["certainty"]
    assert len(crosses) == sum(levels.get(word, 0) for word in said)
    assert set(said) <= set(texts(canvas))


def test_it_can_stand_on_a_slide_as_shapes(own):
    slide = new_slide(new_show(), "Answer")
    group = add_native(slide.shapes, page_of(*own).figure("slide", framed=False), "Answer page")
    words = {shape.text_frame.text for shape in group.shapes if shape.has_text_frame}
    assert {"Pain", "very low"} <= words
    assert not any(shape.shape_type == MSO_SHAPE_TYPE.PICTURE for shape in group.shapes)


def test_every_number_of_the_page_follows_the_data(own):
    review, analyses = own
    figure = page_of(review, analyses)
    pool = analyses["fm_pain"]
    pain = figure.table.iloc[0]
    assert pain["number"] == f"{pool.estimate:+.2f}".replace("-", "−")
    assert pain["people"] == pool.n and pain["trials"] == pool.k
    for audience in answers.audiences(review):
        said = answers.sentences(review, Facts(review, analyses), audience)
        bare = [without_citations(line.partition("** ")[2]) for line in said]
        assert len(said) == 3 and all(len(answers.WORD.findall(line)) <= 20 for line in bare)
