"""Chosen figures to take along: journal size, greys, colours told apart, files and messages."""

import hashlib
import re
import zipfile
from io import BytesIO
from itertools import combinations, pairwise, zip_longest
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib import colors
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from PIL import Image
from pptx import Presentation

from conftest import REPOSITORY
from drawn import NAMES, REVIEW, built
from drawn import page as page_of
from evidence import cli
from evidence.figures import images, page
from evidence.figures.greys import GREYS, grey
from evidence.figures.printing import crop, encode
from evidence.publish.bundle import FORMATS, legend
from figure_checks import contrast, drawn_texts, overlaps

INCH = 25.4
PALETTE = {
    name: getattr(page, name) for name in (
        "BLACK", "ORANGE", "SKY", "GREEN", "YELLOW", "BLUE", "VERMILION", "PURPLE", "GREY", "PALE",
        "INK", "ACCENT",
    )
}  # fmt: skip
# Deuteranopia: Machado, Oliveira & Fernandes 2009 (doi 10.1109/TVCG.2009.113), severity 1.0,
# applied to linear RGB
DEUTERANOPIA = np.array([
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.011820, 0.042940, 0.968881],
])
TOLD_APART = 10.0  # difference in CIELAB; 2.3 is just noticeable side by side
LIGHTER = 8.0  # difference in lightness L*


@pytest.fixture(scope="module", params=NAMES)
def figure(request):
    return built(request.param)


@pytest.fixture(scope="module")
def drawn(figure):
    return {style: page_of(figure.name, style) for style in ("slide", "print")}


def linear(colour):
    rgb = np.array(colors.to_rgb(colour))
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def lab(rgb):
    """CIELAB (D65) of linear RGB."""
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722],
                       [0.0193, 0.1192, 0.9505]])  # fmt: skip
    share = to_xyz @ np.clip(rgb, 0, 1) / [0.9505, 1.0, 1.089]
    x, y, z = np.where(share > 0.008856, np.cbrt(share), 7.787 * share + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def distance(one, other):
    """How far apart two colours look to somebody with deuteranopia."""
    a, b = (lab(DEUTERANOPIA @ linear(colour)) for colour in (one, other))
    return float(np.linalg.norm(a - b))


def lightness(colour):
    return lab(linear(colour))[0]


def filling(face, edge):
    """The colour of a mark: its edge where it is hollow."""
    if face is None or colors.to_rgba(face) in ((1, 1, 1, 1), (0, 0, 0, 0)):
        return "none" if edge is None else edge
    return face


def marks(figure):
    """Colours of the palette in a figure, each with the shapes, hatches and lines it takes."""
    names = {value: name for name, value in PALETTE.items()}
    found = {}

    def add(colour, form):
        name = names.get(colors.to_hex(colour).upper()) if colors.to_rgba(colour)[3] else None
        if name:
            found.setdefault(name, set()).add(form)

    for axes in figure.axes:
        for artist in [*axes.lines, *axes.patches, *axes.collections]:
            if isinstance(artist, Line2D):
                if artist.get_marker() not in (None, "None", ""):
                    add(filling(artist.get_markerfacecolor(), artist.get_markeredgecolor()),
                        f"marker {artist.get_marker()}")
                if artist.get_linestyle() not in ("None", ""):
                    add(artist.get_color(), f"line {artist.get_linestyle()}")
            elif isinstance(artist, PathCollection):
                shape = hashlib.md5(artist.get_paths()[0].vertices.round(3).tobytes()).hexdigest()
                for face, edge in zip_longest(artist.get_facecolor(), artist.get_edgecolor()):
                    add(filling(face, edge), f"marker {shape}")
            elif isinstance(artist, LineCollection):
                for colour in artist.get_edgecolor():
                    add(colour, "lines")
            elif isinstance(artist, Patch):
                add(artist.get_facecolor(), f"patch {artist.get_hatch()}")
    return found


def shared(forms, others):
    """What two colours of a figure have in common; marks with shapes of their own tell them apart,
    even if the lines that lead to them are alike."""
    if any(form.startswith("marker") for form in forms | others):
        forms = {form for form in forms if not form.startswith("line")}
    return forms & others


def alike(figure):
    """Pairs of colours of a figure that only their colour tells apart."""
    pairs = combinations(marks(figure).items(), 2)
    return [(one, other) for (one, forms), (other, others) in pairs if shared(forms, others)]


def test_the_palette_is_told_apart_with_deuteranopia():
    hues = ["ORANGE", "SKY", "GREEN", "BLUE", "VERMILION", "PURPLE", "YELLOW", "BLACK"]
    for one, other in combinations(hues, 2):
        assert distance(PALETTE[one], PALETTE[other]) >= TOLD_APART, (one, other)


def test_the_simulation_confuses_what_deuteranopia_confuses():
    assert distance("#A0A000", "#C89000") < distance("#0000FF", "#FFFF00") / 5
    assert distance("#808080", "#808080") == 0
    assert np.allclose(DEUTERANOPIA.sum(axis=1), 1, atol=1e-5)  # greys stay grey


def test_colours_of_a_figure_differ_for_every_eye_or_in_shape(drawn):
    for one, other in alike(drawn["slide"]):
        assert distance(PALETTE[one], PALETTE[other]) >= TOLD_APART, (one, other)


def test_colours_of_a_figure_differ_in_a_grey_copy_or_in_shape(drawn):
    for one, other in alike(drawn["slide"]):
        a, b = PALETTE[one], PALETTE[other]
        assert abs(lightness(a) - lightness(b)) >= LIGHTER, (one, other)


def test_printed_greys_are_told_apart_and_carry_their_texts():
    levels = sorted({lightness(value) for value in GREYS.values()})
    assert min(np.diff(levels)) > 3.5
    for colour in GREYS.values():
        assert max(contrast(colour, "white"), contrast(colour, "black")) >= 4.5
    assert contrast(GREYS[page.BLUE], "white") >= 4.5  # white letters stand on it
    for dark in (page.VERMILION, page.GREEN, page.ORANGE, page.SKY):
        assert contrast(GREYS[dark], "black") >= 4.5  # black letters stand on them
    assert grey("#FF0000")[:3] == (0.2126, 0.2126, 0.2126)


def test_a_text_is_as_wide_when_it_is_drawn_as_when_it_is_wrapped():
    text = "Of 88 known records, 16 are randomised placebo-controlled trials"
    widths = []
    for dpi in (90, 100, 110, 300):
        with page.style("slide"):
            figure = page.page()
            figure.set_dpi(dpi)
            widths.append(page.text_width(figure, text, page.TITLE_SIZE, "bold"))
    assert max(widths) - min(widths) < 0.001


def test_a_no_break_space_is_no_line_end():
    with page.style("slide"):
        figure = page.page()
        lines = page.wrap(figure, "ten trials, n\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}34", 0.08, 14)
    assert lines.split("\n") == ["ten trials,", "n\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}34"]


WORDS = ["a", "the", "iiii", "WWWWW", "et", "al.", "randomised-controlled", "0.35"]


@given(st.lists(st.sampled_from(WORDS), max_size=60), st.floats(0.2, 9),
       st.sampled_from([9, 14, 28]))
def test_a_line_takes_as_many_words_as_fit(words, width, size):
    lines = page.broken(" ".join(words), width, size)
    assert " ".join(lines) == " ".join(words)
    for line, following in pairwise(lines):
        first = "et al." if following.startswith("et al.") else following.split(" ")[0]
        assert page.inches(f"{line} {first}", size) > width
    for line in lines:
        assert page.inches(line, size) <= width or len(line.replace("et al.", "").split()) <= 1


def test_print_is_black_and_grey_at_170_mm_with_text_from_8_points(drawn):
    figure = drawn["print"]
    part = crop(figure)
    scale = 170 / INCH / part.width
    shown = drawn_texts(figure)
    for artist, text, box in shown:
        assert colors.to_hex(artist.get_color()) in ("#000000", "#ffffff"), text
        assert box.x0 / 100 >= part.x0 - 0.02 and box.x1 / 100 <= part.x1 + 0.02, text
        assert artist.get_fontsize() * scale >= 7.95, text
    image = Image.open(BytesIO(encode(figure, "png", 120, {})))
    assert image.info["dpi"][0] == pytest.approx(120, abs=0.5)
    assert image.width / 120 * INCH == pytest.approx(170, abs=0.5)
    pixels = np.asarray(image.convert("RGB")).astype(int)
    assert np.ptp(pixels, axis=2).max() <= 2  # no colour
    assert tuple(pixels[-1, 0]) == (255, 255, 255)


def test_texts_do_not_overlap_in_print(drawn):
    assert overlaps(drawn["print"]) == []


@pytest.fixture(scope="module")
def printed():
    figure = built("cited_outcomes")
    return figure, images.render(figure, style="print", dpi=100)


def test_vector_files_have_journal_size(printed):
    figure, files = printed
    svg = ElementTree.fromstring(files["svg"])
    assert svg.get("width") == "170mm"
    width, height = map(float, svg.get("viewBox").split()[2:])
    assert float(svg.get("height").removesuffix("mm")) == pytest.approx(170 * height / width, 1e-3)
    assert svg.findtext("{http://www.w3.org/2000/svg}desc") == figure.alt
    box = re.search(rb"/MediaBox \[ ?0 0 ([\d.]+) ([\d.]+)", files["pdf"])
    assert float(box[1]) / 72 * INCH == pytest.approx(170, abs=0.01)
    assert b"CreationDate" not in files["pdf"]


def test_print_gives_equal_bytes_twice(printed):
    figure, files = printed
    assert images.render(figure, style="print", dpi=100) == files


def test_print_leaves_message_and_foot_to_the_legend(printed):
    figure, _ = printed
    shown = " ".join(text for _, text, _ in drawn_texts(page_of(figure.name, "print")))
    assert figure.title not in " ".join(shown.split())
    text = legend(REVIEW, figure)
    for part in (figure.title, figure.caption, figure.method.rstrip(".")):
        assert part in text
    for key in figure.sources:
        assert REVIEW.bibliography[key].vancouver in text


def run(*arguments):
    return cli.main(["export", str(REPOSITORY), *arguments])


def test_a_chosen_figure_comes_out_in_the_formats_asked_for(tmp_path, capsys):
    assert run("--figures", "cited_outcomes", "--format", "png,svg,pdf,pptx", "--dpi", "60",
               "--out", str(tmp_path)) == 0  # fmt: skip
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"cited_outcomes.png", "cited_outcomes.svg", "cited_outcomes.pdf",
                     "slides.pptx"}  # fmt: skip
    assert set(capsys.readouterr().out.split()) == {str(tmp_path / name) for name in names}
    titles = [s.shapes.title.text for s in Presentation(tmp_path / "slides.pptx").slides]
    assert titles == [built("cited_outcomes").title]


def test_a_zip_holds_everything_and_is_equal_twice(tmp_path):
    options = ["--figures", "cited_outcomes", "--style", "print", "--dpi", "60", "--zip", "--out"]
    for folder in ("one", "two"):
        assert run(*options, str(tmp_path / folder)) == 0
    first, second = ((tmp_path / name / "figures.zip").read_bytes() for name in ("one", "two"))
    assert first == second
    with zipfile.ZipFile(BytesIO(first)) as parts:
        assert parts.namelist() == ["cited_outcomes.png", "cited_outcomes_legend.txt",
                                    "README.txt"]  # fmt: skip
        head, line = parts.read("README.txt").decode().strip().split("\n")
        assert head.startswith(REVIEW.item("title"))
        figure = built("cited_outcomes")
        assert line.startswith(f"cited_outcomes.png, cited_outcomes_legend.txt: {figure.title}")


def test_a_talk_of_five_minutes_takes_one_command(tmp_path, capsys):
    assert run("--talk", "5", "--out", str(tmp_path)) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["slides.pptx"]
    show = Presentation(tmp_path / "slides.pptx")
    assert show.slides[0].shapes.title.text == REVIEW.item("question")


def test_a_figure_for_one_column_has_no_title_and_its_width(tmp_path):
    assert run("--figures", "fm_pain_forest", "--width", "85", "--format", "svg,png", "--dpi",
               "300", "--out", str(tmp_path)) == 0  # fmt: skip
    svg = (tmp_path / "fm_pain_forest.svg").read_text(encoding="utf-8")
    assert 'width="85mm"' in svg
    image = Image.open(tmp_path / "fm_pain_forest.png")
    assert image.width / 300 * INCH == pytest.approx(85, abs=0.5)
    title = built("fm_pain_forest").title
    assert title in svg.split("</title>")[0] and title not in svg.split("</metadata>")[1]
    assert title in (tmp_path / "fm_pain_forest_legend.txt").read_text(encoding="utf-8")


def test_a_figure_that_no_column_can_hold_says_so_and_nothing_is_written(tmp_path, capsys):
    assert run("--figures", "risk_of_bias", "--width", "85", "--out", str(tmp_path / "out")) == 1
    error = capsys.readouterr().err
    assert "risk_of_bias" in error and "--width 170" in error and "Traceback" not in error
    assert not (tmp_path / "out").exists()


def test_a_transparent_picture_has_no_ground(tmp_path):
    assert run("--figures", "cited_outcomes", "--transparent", "--dpi", "60", "--out",
               str(tmp_path)) == 0  # fmt: skip
    image = Image.open(tmp_path / "cited_outcomes.png")
    assert image.mode == "RGBA" and image.getpixel((2, 2))[3] == 0


def test_an_unknown_figure_is_named_and_nothing_is_written(tmp_path, capsys):
    assert run("--figures", "cited_outcomes,nope", "--out", str(tmp_path / "out")) == 1
    error = capsys.readouterr().err
    assert "'nope'" in error and "cited_outcomes" in error and "Traceback" not in error
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("wrong", [
    ("--format", "gif"), ("--style", "poster"), ("--dpi", "5"), ("--dpi", "many"),
    ("--format", ","), ("--talk", "7"), ("--talk", "5", "--figures", "fm_pain_forest"),
    ("--width", "100"),
])
def test_wrong_usage_exits_with_two(wrong):
    with pytest.raises(SystemExit) as stop:
        run(*wrong)
    assert stop.value.code == 2


def test_the_command_knows_every_format_and_style():
    assert cli.FORMATS == FORMATS and cli.STYLES == page.STYLES


def test_alt_text_names_what_is_plotted_then_numbers_then_the_message(figure):
    content = figure.content
    assert figure.alt.startswith(f"{content.what}: {figure.subtitle.rstrip('.')}.")
    assert figure.alt.endswith(f"{figure.title.rstrip('.')}.")
    assert re.search(r"\d", content.summary)
