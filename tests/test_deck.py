"""The slides: complete, readable, native where promised, and the same bytes on every run."""

import hashlib
import os
import re
import subprocess
import sys
import zipfile
from dataclasses import replace
from io import BytesIO
from itertools import combinations

import pytest
from pptx import Presentation
from pptx.enum.shapes import MSO_SHAPE_TYPE

from conftest import REPOSITORY
from evidence.figures import catalogue
from evidence.pooling.analyses import run_analyses
from evidence.publish.bundle import slides
from evidence.publish.slides.deck import deck, speaker_notes
from evidence.publish.slides.shapes import lines, text_height, text_width
from evidence.publish.slides.tables import _parts
from evidence.review.review import load_review
from evidence.wording import answers
from evidence.wording.facts import Facts

REVIEW = load_review(REPOSITORY)
ANALYSES = run_analyses(REVIEW)
NAMES = list(catalogue.specs(REVIEW))
BUILT = {name: catalogue.build(REVIEW, ANALYSES, name) for name in NAMES}
FEW = [name for name in ("cited_outcomes", "fm_pain_forest") if name in NAMES]
EMU = 914400
DIGEST = f"""
import hashlib
from evidence import answers, exhibits
from evidence.analysis import run_analyses
from evidence.bundle import slides
from evidence.deck import deck
from evidence.facts import Facts
from evidence.review import load_review
review = load_review({str(REPOSITORY)!r})
analyses = run_analyses(review)
built = [exhibits.build(review, analyses, name) for name in {FEW!r}]
print(hashlib.sha256(deck(review, built)).hexdigest())
"""


def opened(content):
    return Presentation(BytesIO(content))


@pytest.fixture(scope="module")
def show():
    return opened(slides(REVIEW, ANALYSES))


def box(shape):
    """Left, top, right, bottom in inches."""
    left, top = shape.left / EMU, shape.top / EMU
    return left, top, left + shape.width / EMU, top + shape.height / EMU


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


def slide_of(show, title):
    return next(slide for slide in show.slides if slide.shapes.title.text_frame.text == title)


def test_title_slide_gives_question_and_data_date(show):
    text = " ".join(frame.text for frame in frames(show.slides[0]))
    assert REVIEW.item("question") in text and REVIEW.item("data_date") in text
    assert show.slide_width / show.slide_height == pytest.approx(16 / 9)


def test_the_answer_stands_in_a_table(show):
    facts = Facts(REVIEW, ANALYSES)
    answer = answers.lines(REVIEW, facts, answers.audiences(REVIEW)[0])
    table = next(shape for shape in show.slides[1].shapes if shape.has_table).table
    assert len(table.rows) == len(answer) + 1
    text = " ".join(cell.text for cell in table.iter_cells())
    numbers = set(re.findall(r"\d[\d.]*\d|\d", re.sub(r"\[@[^\]]+\]", "", " ".join(answer))))
    assert numbers <= set(re.findall(r"\d[\d.]*\d|\d", text))


def test_every_figure_has_its_slide_with_its_message(show):
    titles = [slide.shapes.title.text_frame.text for slide in show.slides]
    assert all(titles)
    figures = [title for title in titles if title in {e.title for e in BUILT.values()}]
    assert figures == [exhibit.title for exhibit in BUILT.values()]
    assert titles.index("Limits") < min(
        place for place, title in enumerate(titles) if title.startswith("References")
    )


def test_every_slide_has_notes_and_figures_have_method_and_references_there(show):
    assert all(slide.notes_slide.notes_text_frame.text.strip() for slide in show.slides)
    for exhibit in BUILT.values():
        notes = slide_of(show, exhibit.title).notes_slide.notes_text_frame.text
        assert notes == speaker_notes(REVIEW, exhibit)
        spoken = notes.split("\n")[0]
        assert spoken.startswith(exhibit.title.rstrip(".") + ". ")
        assert spoken.removeprefix(exhibit.title.rstrip(".") + ". ") in exhibit.caption
        assert exhibit.method.rstrip(".") in notes
        for key in exhibit.sources:
            assert REVIEW.bibliography[key].vancouver in notes


def test_pictures_groups_and_tables_have_alt_text(show):
    kinds = set()
    for slide in show.slides:
        for shape in slide.shapes:
            if shape.shape_type in (MSO_SHAPE_TYPE.PICTURE, MSO_SHAPE_TYPE.GROUP,
                                    MSO_SHAPE_TYPE.TABLE):  # fmt: skip
                kinds.add(shape.shape_type)
                assert alt(shape) and len(alt(shape)[0]) > 20
    assert len(kinds) == 3
    for exhibit in BUILT.values():
        assert any(alt(shape) == [exhibit.alt] for shape in slide_of(show, exhibit.title).shapes)


def test_text_has_at_least_14_points_and_fits_its_box(show):
    for slide in show.slides:
        for frame in frames(slide):
            sizes = frame._txBody.xpath(".//a:r/a:rPr/@sz | .//a:fld/a:rPr/@sz")
            assert all(int(size) >= 1400 for size in sizes), frame.text
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
        groups = [s for s in slide.shapes if s.shape_type == MSO_SHAPE_TYPE.GROUP]
        for group in groups:
            words = [shape for shape in group.shapes if shape.has_text_frame and shape.text]
            for a, b in combinations(words, 2):
                width, height = common(box(a), box(b))
                assert width < 0.02 or height < 0.06, (slide.shapes.title.text, a.text, b.text)


@pytest.mark.skipif("fm_pain_forest" not in NAMES, reason="this review has no such figure")
def test_a_forest_plot_is_native_and_holds_what_its_synthesis_holds(show):
    exhibit = BUILT["fm_pain_forest"]
    slide = slide_of(show, exhibit.title)
    group, = (s for s in slide.shapes if s.shape_type == MSO_SHAPE_TYPE.GROUP)
    assert not any(s.shape_type == MSO_SHAPE_TYPE.PICTURE for s in leaves(slide.shapes))
    words = [" ".join(shape.text_frame.text.split()) for shape in group.shapes
             if shape.has_text_frame]
    pool = ANALYSES["fm_pain"]
    for study in pool.studies:
        assert any(REVIEW.bibliography.cite(study.study) in text for text in words)
        assert any(f"{study.effect:.2f}".replace("-", "−") in text for text in words)
    kinds = [shape.name.split()[0] for shape in group.shapes if not shape.has_text_frame
             or not shape.text_frame.text]  # fmt: skip
    assert kinds.count("Rectangle") >= pool.k  # a square for each study
    assert "Freeform" in kinds or "Diamond" in kinds
    assert kinds.count("Line") > pool.k


def test_references_of_all_slides_are_listed_once_with_links(show):
    listed = [
        frame.text for slide in show.slides
        if re.match(r"References( \(|$)", slide.shapes.title.text) for frame in frames(slide)
    ]
    keys = {key for exhibit in BUILT.values() for key in exhibit.sources}
    for key in keys:
        entry = REVIEW.bibliography[key]
        assert sum(text.startswith(entry.vancouver) for text in listed) == 1
    addresses = {
        run.hyperlink.address for slide in show.slides for frame in frames(slide)
        for paragraph in frame.paragraphs for run in paragraph.runs if run.hyperlink.address
    }
    assert {REVIEW.bibliography[key].link for key in keys} - {""} <= addresses


def test_a_changed_cell_moves_slide_notes_and_alt_text():
    table = REVIEW.table("outcomes")
    table.loc[table["outcome_id"] == "parkitny2017-pain-w8", "intervention_change_pct"] = -33.0
    review = replace(REVIEW, tables={**REVIEW.tables, "outcomes": table})
    exhibit = catalogue.build(review, ANALYSES, "cited_outcomes")
    slide = slide_of(opened(deck(review, [exhibit])), exhibit.title)
    assert "33 %" in slide.shapes.title.text
    assert "33 %" in slide.notes_slide.notes_text_frame.text
    assert any("−33.0" in text for shape in slide.shapes for text in alt(shape))


def test_bytes_are_equal_in_other_processes_and_carry_no_date(tmp_path):
    content = deck(REVIEW, [BUILT[name] for name in FEW])
    for environment in ({"PYTHONHASHSEED": "1", "TZ": "Asia/Tokyo"}, {"LC_ALL": "C"}):
        result = subprocess.run([sys.executable, "-c", DIGEST], cwd=tmp_path, check=True,
                                capture_output=True, text=True,
                                env={**os.environ, **environment})  # fmt: skip
        assert result.stdout.strip() == hashlib.sha256(content).hexdigest()
    with zipfile.ZipFile(BytesIO(content)) as parts:
        assert {entry.date_time for entry in parts.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        core = parts.read("docProps/core.xml").decode()
        assert "created" not in core and "modified" not in core and "Canny" not in core
        assert not any("thumbnail" in name for name in parts.namelist())


def test_a_review_of_four_files_gets_its_slides(minimal):
    show = opened(deck(load_review(minimal), []))
    titles = [slide.shapes.title.text for slide in show.slides]
    assert titles == ["minimal", "Limits"]


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
