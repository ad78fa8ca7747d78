"""The slides: a talk that can be given, native where promised, the same bytes each time."""

import os
import re
import zipfile
from dataclasses import replace
from functools import cache
from io import BytesIO
from itertools import combinations

import numpy as np
import pytest
from lxml import etree
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Canvas
from matplotlib.patches import Rectangle
from PIL import Image
from pptx import Presentation
from pptx.enum.dml import MSO_LINE, MSO_PATTERN
from pptx.enum.shapes import MSO_SHAPE_TYPE

from drawn import ANALYSES, NAMES, REVIEW, built, with_tables
from evidence.figures import catalogue
from evidence.pooling import Analyses
from evidence.publish.slides.deck import figure_deck, talk_deck
from evidence.publish.slides.native import add_native
from evidence.publish.slides.shapes import (
    _parts,
    lines,
    new_show,
    new_slide,
    text_height,
    text_width,
)
from evidence.publish.slides.sheets import answer_lines
from evidence.publish.slides.talk import Talk, spoken
from evidence.review import ReviewError, load_review

EMU = 914400
FEW = ("cited_outcomes", "fm_pain_forest")


@cache
def figures():
    """The figures that have something to show, by name."""
    return {name: built(name) for name in NAMES if not built(name).table.empty}


@cache
def talk():
    return Talk(REVIEW, ANALYSES, figures())


def opened(content):
    return Presentation(BytesIO(content))


@pytest.fixture(scope="module")
def content():
    return talk_deck(REVIEW, ANALYSES)


@pytest.fixture(scope="module")
def show(content):
    return opened(content)


@pytest.fixture(scope="module")
def short():
    return opened(talk_deck(REVIEW, ANALYSES, 5))


@pytest.fixture(scope="module")
def few():
    return figure_deck(REVIEW, ANALYSES, [figures()[name] for name in FEW])


def box(shape):
    """Left, top, right, bottom in inches."""
    left, top, width, height = (
        length / EMU for length in (shape.left, shape.top, shape.width, shape.height))
    if getattr(shape, "rotation", 0) in (90, 270):
        left, top, width, height = (left + (width - height) / 2, top + (height - width) / 2,
                                    height, width)
    return left, top, left + width, top + height


def leaves(shapes):
    for shape in shapes:
        if shape.shape_type == MSO_SHAPE_TYPE.GROUP:
            yield from leaves(shape.shapes)
        else:
            yield shape


def frames(slide):
    for shape in leaves(slide.shapes):
        if shape.has_text_frame:
            yield shape.text_frame
        elif getattr(shape, "has_table", False):
            yield from (cell.text_frame for cell in shape.table.iter_cells())


def common(a, b):
    """Width and height that two boxes share."""
    return min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])


def alt(shape):
    return shape._element.xpath("./*/p:cNvPr/@descr")


def notes(slide):
    return slide.notes_slide.notes_text_frame.text


def titles(show):
    return [slide.shapes.title.text_frame.text for slide in show.slides]


def slide_of(show, title):
    return next(slide for slide in show.slides if slide.shapes.title.text_frame.text == title)


def title_of(name):
    """Title of the slide of a figure."""
    slide = next(slide for slide in talk().slides if slide.figure == name)
    return talk().words(slide, "title", figures()[name].title)


def sentences(text):
    return re.split(r"(?<=[.!?])\s+(?=[A-Z“])", text.strip())


def test_a_talk_has_six_twelve_or_all_slides(show, short):
    assert [len(talk().of(minutes)) for minutes in (5, 10)] == [6, 12]
    assert [slide.kind for slide in talk().of(10)][:2][0] == "question"
    assert talk().of(10)[-1].kind == "lines" and talk().of(5)[-1].kind == "lines"
    assert len(short.slides) == 6
    assert titles(show)[11] == "What to tell a patient tomorrow"


def test_messages_of_the_talk_have_at_most_twelve_words(show):
    for title in titles(show)[1:12]:
        assert len(title.split()) <= 12, title


def test_title_slide_gives_question_and_data_date(show):
    text = " ".join(frame.text for frame in frames(show.slides[0]))
    assert REVIEW.item("question") in text and REVIEW.item("data_date") in text
    assert show.slide_width / show.slide_height == pytest.approx(16 / 9)


def test_the_words_for_a_patient_stand_in_large_letters(show):
    said = answer_lines(REVIEW, ANALYSES, ["patient"])
    boxes = [s for s in show.slides[11].shapes if s.name.startswith("Sentence")]
    assert len(boxes) == len(said)
    for shape, line in zip(boxes, said, strict=True):
        plain = re.sub(r"\s*\[@[^\]]+\]", "", line).replace("**", "")
        assert shape.text_frame.text == plain
        assert shape.text_frame.paragraphs[0].runs[0].font.size.pt >= 16


def test_every_figure_with_data_has_one_slide(show):
    found = titles(show)
    for name in figures():
        assert found.count(title_of(name)) == 1, name
    assert not any(title.startswith("References") for title in found)


def test_notes_can_be_spoken(show):
    for slide, planned in zip(show.slides, talk().of(10), strict=False):
        said = dict(re.findall(r"^(Say|If asked|Method): (.*)$", notes(slide), re.MULTILINE))
        assert len(sentences(said["Say"])) == 3, said["Say"]
        assert len(sentences(said["If asked"])) == 2, said["If asked"]
        assert len(said["Say"].split()) <= 90, planned.name
    for slide in show.slides:
        assert notes(slide).startswith("Say: ")
    for name, figure in figures().items():
        assert f"Method: {figure.method.rstrip('.')}." in notes(slide_of(show, title_of(name)))


def test_references_stand_in_the_notes_of_the_last_slide_only(show):
    last = notes(list(show.slides)[-1])
    for figure in figures().values():
        for key in figure.sources:
            entry = REVIEW.bibliography[key]
            assert last.count(f"\n{entry.vancouver}") == 1, key
            assert entry.link in last
    for slide in list(show.slides)[:-1]:
        assert "https://" not in notes(slide)


def test_links_lead_to_the_appendix_and_back(show):
    slides = list(show.slides)
    linked = {}
    for number, slide in enumerate(slides):
        for shape in slide.shapes:
            if shape.name.startswith("Link: "):
                linked.setdefault(number, set()).add(
                    slides.index(shape.click_action.target_slide))
    main = {number for number in linked if number < 12}
    assert len(main) >= 9
    assert all(min(targets) >= 12 for number, targets in linked.items() if number < 12)
    assert all(max(targets) < 12 for number, targets in linked.items() if number >= 12)
    reached = set().union(*(linked[number] for number in main))
    assert {slides.index(slide_of(show, title_of(name))) for name in ("risk_of_bias", "gap_map")
            } <= reached  # fmt: skip
    for number, targets in linked.items():
        for target in targets:
            if number < 12:
                assert linked[target]  # there is a way back


def test_shorter_talks_have_no_links_into_nothing(short):
    assert not [s for slide in short.slides for s in slide.shapes if s.name.startswith("Link")]


def test_pictures_groups_and_tables_have_alt_text(show):
    for slide in show.slides:
        for shape in slide.shapes:
            if shape.shape_type in (MSO_SHAPE_TYPE.PICTURE, MSO_SHAPE_TYPE.GROUP,
                                    MSO_SHAPE_TYPE.TABLE):  # fmt: skip
                assert alt(shape) and len(alt(shape)[0]) > 20
    for name, figure in figures().items():
        slide = slide_of(show, title_of(name))
        assert any(alt(shape) == [figure.alt] for shape in slide.shapes)


def test_text_of_the_talk_has_at_least_14_points_and_fits_its_box(show):
    for slide in list(show.slides)[:12]:
        for frame in frames(slide):
            sizes = frame._txBody.xpath(".//a:r/a:rPr/@sz | .//a:fld/a:rPr/@sz")
            assert all(int(size) >= 1400 for size in sizes), frame.text
    for slide in show.slides:
        for shape in slide.shapes:
            if shape.has_text_frame and shape.text_frame.text:
                first = shape.text_frame._txBody.xpath(".//a:rPr")[0]
                size, bold = int(first.get("sz")) / 100, first.get("b") == "1"
                needed = text_height(shape.text_frame.text, shape.width / EMU, size, bold)
                assert needed <= shape.height / EMU + 0.01, shape.text_frame.text


def test_slides_are_numbered(show):
    for number, slide in enumerate(show.slides, 1):
        fields = [shape.text_frame for shape in slide.shapes if shape.name == "Slide number"]
        assert [frame.text for frame in fields] == ([str(number)] if number > 1 else [])
        assert all(frame._txBody.xpath(".//a:fld/@type") == ["slidenum"] for frame in fields)


def test_nothing_leaves_the_slide(show):
    for slide in show.slides:
        for shape in leaves(slide.shapes):
            left, top, right, bottom = box(shape)
            assert left >= -0.01 and top >= -0.01, (slide.shapes.title.text, shape.name)
            assert right <= 13.343 and bottom <= 7.51, (slide.shapes.title.text, shape.name)


def test_nothing_overlaps(show):
    for slide in show.slides:
        for a, b in combinations(slide.shapes, 2):
            width, height = common(box(a), box(b))
            assert width < 0.01 or height < 0.01, (slide.shapes.title.text, a.name, b.name)


def test_charts_are_shapes_and_words_in_them_do_not_wrap(show):
    for slide in show.slides:
        kinds = {shape.shape_type for shape in leaves(slide.shapes)}
        assert MSO_SHAPE_TYPE.PICTURE not in kinds, slide.shapes.title.text
    for name in figures():
        slide = slide_of(show, title_of(name))
        group, = (s for s in slide.shapes if s.shape_type == MSO_SHAPE_TYPE.GROUP)
        for shape in leaves(group.shapes):
            if shape.has_text_frame and shape.text_frame.text:
                assert shape.text_frame.word_wrap is False
                if not shape.rotation and shape.text_frame.text.isascii():
                    run = shape.text_frame.paragraphs[0].runs[0]
                    wide = max(text_width(line, run.font.size.pt, run.font.bold) / 1.01
                               for line in shape.text_frame.text.split("\n"))
                    assert shape.width / EMU == pytest.approx(wide, 0.04, 0.02), shape.name


def test_a_forest_plot_holds_what_its_pool_holds(show):
    slide = slide_of(show, title_of("fm_pain_forest"))
    group, = (s for s in slide.shapes if s.shape_type == MSO_SHAPE_TYPE.GROUP)
    words = [" ".join(shape.text_frame.text.split()) for shape in leaves(group.shapes)
             if shape.has_text_frame]
    pool = ANALYSES["fm_pain"]
    for study in pool.studies:
        assert any(REVIEW.bibliography.cite(study.study) in text for text in words)
        assert any(f"{study.effect:.2f}".replace("-", "−") in text for text in words)


@pytest.mark.parametrize("name", ["fm_pain_forest", "cited_outcomes", "response_and_harms"])
def test_shapes_are_grouped_by_trial_and_named(show, name):
    slide = slide_of(show, title_of(name))
    group, = (s for s in slide.shapes if s.shape_type == MSO_SHAPE_TYPE.GROUP)
    rows = {s.name: [part.name for part in s.shapes] for s in group.shapes
            if s.shape_type == MSO_SHAPE_TYPE.GROUP}
    for study in figures()[name].table["study"].unique():
        cite = REVIEW.bibliography.cite(study) if study in REVIEW.bibliography else study
        own = {key: parts for key, parts in rows.items() if cite in key}
        if own:
            assert any(f"{key}: estimate" in parts for key, parts in own.items()), cite
    assert sum(f"{key}: interval" in parts for key, parts in rows.items()) >= 2


def test_what_a_page_holds_becomes_the_shape_of_its_kind():
    page_ = Canvas(figsize=(13.333, 7.5), dpi=100)
    FigureCanvasAgg(page_)
    ax = page_.add_axes((0, 0, 1, 1))
    ax.set(xlim=(0, 13.333), ylim=(0, 7.5))
    ax.set_axis_off()
    ax.add_patch(Rectangle((1, 1), 2, 1, facecolor="#0072B2", label="Abel 2001: estimate"))
    ax.plot([1, 4], [3, 3], color="#222222", lw=3, ls="--", label="Abel 2001: interval")
    ax.plot([5], [3], "o", ms=72)
    ax.plot([-5, 5], [5, 5], color="black", label="long: line")
    ax.scatter(np.linspace(1, 9, 60), [2] * 60, s=20)
    ax.text(6, 6, "two\nlines", ha="center", size=20)
    ax.text(9, 3, "upwards", rotation=90, size=20)
    show = new_show()
    slide = new_slide(show, "A page")
    group = add_native(slide.shapes, page_, "A page of shapes.")
    found = {shape.name: shape for shape in leaves(group.shapes)}
    assert alt(group) == ["A page of shapes."]
    trial, = (shape for shape in group.shapes if shape.shape_type == MSO_SHAPE_TYPE.GROUP)
    assert trial.name == "Abel 2001"
    assert [s.name for s in trial.shapes] == ["Abel 2001: estimate", "Abel 2001: interval"]
    assert box(found["Abel 2001: estimate"]) == pytest.approx((1, 5.5, 3, 6.5), abs=0.01)
    assert str(found["Abel 2001: estimate"].fill.fore_color.rgb) == "0072B2"
    assert found["Abel 2001: interval"].line.dash_style == MSO_LINE.DASH
    assert box(found["long: line"]) == pytest.approx((0, 2.5, 5, 2.5), abs=0.01)  # cut
    ovals = [s for s in found.values() if s.name.startswith("Oval")]
    assert [box(s) for s in ovals] == [pytest.approx((4.5, 4, 5.5, 5), abs=0.02)]
    assert sum(name.startswith("Marks") for name in found) == 1
    assert found["two lines"].text_frame.text == "two\nlines"
    assert found["upwards"].rotation == 270
    left, _, right, _ = box(found["two lines"])
    assert (left + right) / 2 == pytest.approx(6, abs=0.02)


def test_hatches_pictures_and_the_signs_of_markup_are_kept():
    page_ = Canvas(figsize=(13.333, 7.5), dpi=100)
    FigureCanvasAgg(page_)
    ax = page_.add_axes((0, 0, 1, 1))
    ax.set_axis_off()
    ax.imshow(np.eye(3), extent=(1, 3, 1, 3), aspect="auto")
    ax.set(xlim=(0, 13.333), ylim=(0, 7.5))
    ax.add_patch(Rectangle((5, 1), 2, 1, facecolor="#FFFFFF", edgecolor="#222222", hatch="//",
                           label='Abel & "Bell" <2001>: estimate'))
    ax.add_patch(Rectangle((8, 1), 2, 1, facecolor=(0, 0, 1, 0.5), label="Clear"))
    ax.text(6, 6, "p < 0.05 & **bold**", size=20)
    group = add_native(new_slide(new_show(), "A page").shapes, page_, 'Alt "text" & <more>')
    found = {shape.name: shape for shape in leaves(group.shapes)}
    assert alt(group) == ['Alt "text" & <more>']
    picture, = (s for s in found.values() if s.shape_type == MSO_SHAPE_TYPE.PICTURE)
    assert box(picture) == pytest.approx((1, 4.5, 3, 6.5), abs=0.01)
    assert Image.open(BytesIO(picture.image.blob)).size[0] > 1
    fill = found['Abel & "Bell" <2001>: estimate'].fill
    assert fill.pattern == MSO_PATTERN.WIDE_UPWARD_DIAGONAL
    assert (str(fill.fore_color.rgb), str(fill.back_color.rgb)) == ("222222", "FFFFFF")
    assert found["Clear"]._element.xpath(".//a:alpha/@val") == ["50000"]
    runs = found["p < 0.05 & **bold**"].text_frame.paragraphs[0].runs
    assert [(run.text, run.font.bold) for run in runs] == [("p < 0.05 & ", False), ("bold", True)]


def test_the_file_is_sound(content, show):
    with zipfile.ZipFile(BytesIO(content)) as parts:
        names = parts.namelist()
        assert len(names) == len(set(names)) and parts.testzip() is None
        for name in names:
            if name.endswith((".xml", ".rels")):
                etree.fromstring(parts.read(name))
        for name in (name for name in names if name.endswith(".rels")):
            folder = name.replace("_rels/", "").removesuffix(".rels")
            for relation in etree.fromstring(parts.read(name)):
                if relation.get("TargetMode") != "External":
                    target = relation.get("Target")
                    path = os.path.normpath(
                        target.lstrip("/") if target.startswith("/")
                        else os.path.join(os.path.dirname(folder), target))
                    assert path in names, (name, path)
            used = set(re.findall(r'r:(?:id|embed|link)="(\w+)"', parts.read(folder).decode())
                       ) if folder in names else set()
            known = {relation.get("Id") for relation in etree.fromstring(parts.read(name))}
            assert used <= known, name
    for slide in show.slides:
        ids = slide.shapes._spTree.xpath(".//p:cNvPr/@id")
        assert len(ids) == len(set(ids))


def test_figures_that_were_asked_for_are_all_there_is(few):
    assert titles(opened(few)) == [figures()[name].title for name in FEW]
    wide = opened(figure_deck(REVIEW, ANALYSES, [figures()[FEW[0]]], with_tables=True))
    assert titles(wide)[0] == figures()[FEW[0]].title and "Limits" in titles(wide)


def test_a_changed_cell_moves_slide_notes_and_alt_text():
    table = REVIEW.table("outcomes")
    table.loc[table["outcome_id"] == "parkitny2017-pain-w8", "intervention_change_pct"] = -33.0
    review = with_tables(REVIEW, outcomes=table)
    figure = catalogue.build(review, ANALYSES, "cited_outcomes")
    talk = Talk(review, ANALYSES, {"cited_outcomes": figure})
    planned = next(slide for slide in talk.slides if slide.figure == "cited_outcomes")
    assert "33 per cent" in talk.words(planned, "say", "")
    slide, = opened(figure_deck(review, ANALYSES, [figure])).slides
    assert any("33" in text for shape in slide.shapes for text in alt(shape))


def test_a_template_that_asks_for_nothing_known_names_its_cell():
    table = REVIEW.table("slides")
    table.loc[0, "say"] = "So it is {nothing_known}."
    review = with_tables(REVIEW, slides=table)
    talk = Talk(review, ANALYSES, {})
    with pytest.raises(ReviewError, match=r"data/slides.csv:2 say: .*nothing_known"):
        talk.words(talk.slides[0], "say", "")


def test_bytes_carry_no_date(few):
    with zipfile.ZipFile(BytesIO(few)) as parts:
        assert {entry.date_time for entry in parts.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        core = parts.read("docProps/core.xml").decode()
        assert "created" not in core and "modified" not in core and "Canny" not in core
        assert not any("thumbnail" in name for name in parts.namelist())


def test_a_review_of_four_files_gets_its_slides(minimal):
    review = load_review(minimal)
    found = titles(opened(talk_deck(review, Analyses(review))))
    assert (found[0], found[-1]) == ("minimal", "Limits")
    assert found[1].startswith("Two studies")


def test_without_a_table_of_slides_the_first_figures_are_the_talk():
    tables = {name: table for name, table in REVIEW.tables.items() if name != "slides"}
    talk = Talk(replace(REVIEW, tables=tables), ANALYSES, figures())
    assert [slide.kind for slide in talk.of(5)] == ["question", *["figure"] * 5]
    assert talk.of(5)[1].figure == "answer"
    assert len(talk.of(10)) == 12
    assert [slide.kind for slide in talk.of(20)][-4:] == ["certainty", "harms", "verdicts",
                                                          "limits"]  # fmt: skip


def test_without_words_of_its_own_a_slide_says_message_and_caption():
    say, asked = spoken("It fell.", "One. Two (e.g. this). Three. Four. Five.")
    assert (say, asked) == ("It fell. One. Two (e.g. this).", "Three. Four.")
    assert spoken("It fell", "") == ("It fell.", "")


def test_measured_widths_are_those_of_arial():
    assert text_width("A", 72) / 1.01 == pytest.approx(0.667)
    assert text_width("A", 72, bold=True) / 1.01 == pytest.approx(0.722)
    assert lines("one two three", 0.5, 14) == ["one", "two", "three"]
    assert "".join(lines("x" * 100, 1.0, 14)) == "x" * 100


@pytest.mark.parametrize(("heights", "parts"), [
    ([1, 1, 1], [[0, 1, 2]]), ([1, 1, 1, 1], [[0, 1], [2, 3]]), ([5, 1], [[0], [1]]), ([], [[]]),
])
def test_rows_are_spread_evenly_over_the_fewest_slides(heights, parts):
    assert _parts(heights, 3.0) == parts
