"""The typeface of the figures lies in the package, and no font of the machine changes a page."""

import hashlib

import pytest
from fontTools.ttLib import TTFont
from matplotlib import font_manager
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.font_manager import FontProperties

from drawn import NAMES, built
from evidence.figures import images, page, typeface


def test_every_face_lies_in_the_package_beside_its_licence():
    licence = (typeface.FOLDER / "OFL.txt").read_text(encoding="utf-8")
    assert "SIL OPEN FONT LICENSE Version 1.1" in licence and "Red Hat" in licence
    for face, file in typeface.FACES.items():
        names = TTFont(typeface.FOLDER / file)["name"]
        assert names.getDebugName(1) == typeface.FAMILY and names.getDebugName(2) == face
        assert "Liberation" not in names.getDebugName(1)  # a reserved name
        assert "SIL Open Font License" in names.getDebugName(13)


@pytest.mark.parametrize("style", page.STYLES)
def test_bytes_do_not_depend_on_the_fonts_of_the_machine(monkeypatch, style):
    figure = built("fm_pain_forest")

    def digests():
        files = images.render(figure, style=style, dpi=60)
        return {kind: hashlib.sha256(content).hexdigest() for kind, content in files.items()}

    before = digests()
    manager = font_manager.fontManager
    own = [entry for entry in manager.ttflist if entry.name == typeface.FAMILY]
    assert own
    monkeypatch.setattr(manager, "ttflist", own)
    manager._findfont_cached.cache_clear()
    try:
        assert digests() == before
    finally:
        monkeypatch.undo()
        manager._findfont_cached.cache_clear()


def test_svg_names_fonts_that_readers_have_and_keeps_its_text():
    svg = images.render(built("fm_pain_forest"), ["svg"])["svg"]
    text = svg.decode("utf-8")
    assert f"font-family: {typeface.WEB_FAMILIES}" in text
    assert typeface.FAMILY not in text and "DejaVu" not in text
    assert "Rodríguez-Freire" in text


def test_no_figure_of_this_review_needs_another_font():
    for name in NAMES:
        figure = built(name)
        assert typeface.fallbacks([figure.title, figure.subtitle, figure.footer]) == [], name


@pytest.mark.parametrize("text", ["Rodríguez-Freire 2026, τ² = 0.15", "AVAST fi", "Հայ 2020", ""])
@pytest.mark.parametrize("look", [{}, {"weight": "bold"}, {"style": "italic"},
                                  {"weight": "bold", "style": "italic"}, {"weight": 600}])
def test_a_line_is_measured_as_matplotlib_draws_it(text, look):
    with page.style("slide", [text]):
        for size, dpi in ((16, 72), (28, 100), (10.5, 200)):
            font = font_manager.FontProperties(size=size, **look)
            drawn = RendererAgg(1, 1, dpi).get_text_width_height_descent(text, font, False)
            assert typeface.measured(text, font, dpi) == drawn


def test_a_line_is_measured_in_the_style_in_use_whatever_was_measured_before():
    def width():
        font = FontProperties(family=[typeface.FAMILY], size=11)
        drawn = RendererAgg(1, 1, 100).get_text_width_height_descent("no difference", font, False)
        assert typeface.measured("no difference", font, 100) == drawn
        return drawn[0]

    typeface.register()
    outside = width()
    with page.style("slide"):
        assert width() != outside
    assert width() == outside


def test_letters_of_other_scripts_come_from_the_machine_or_are_named(monkeypatch):
    assert typeface.fallbacks(["Հայ 2020"]) == ["DejaVu Sans"]  # comes with matplotlib
    assert typeface.unset(["Հայ 2020", "Müller 2021"]) == []
    monkeypatch.setattr(typeface, "_others", lambda: [])
    (remark,) = typeface.unset(["小芳 2020", "Müller 2021"])
    assert remark.startswith("小芳 2020: no font") and "小, 芳" in remark


def test_an_unknown_letter_becomes_a_question_mark_and_never_a_box(monkeypatch):
    monkeypatch.setattr(typeface, "_others", lambda: [])
    with page.style("slide"):
        canvas = page.page()
        text = canvas.text(0.5, 0.5, "小芳 2020")
        page.without_boxes(canvas)
    assert text.get_text() == "?? 2020"
