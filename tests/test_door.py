"""The door: what a researcher types works as written, and shows itself."""

import ast
import doctest
import functools
import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import matplotlib.pyplot as plt
import nbformat
import pandas as pd
import pytest

import evidence
import evidence as ev
from evidence.notebook import summaries

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def review():
    return ev.load(ROOT)


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def test_tables_are_frames_by_attribute_and_by_name(review):
    for name in review.tables:
        assert isinstance(review[name], pd.DataFrame)
        assert review[name].equals(getattr(review, name))
    changed = review.outcomes
    changed["study"] = "changed"
    assert "changed" not in set(review.outcomes["study"])
    assert {"outcomes", "pool", "figure"} <= set(dir(review))


def test_what_is_not_there_is_named(review):
    with pytest.raises(AttributeError, match="no table 'outcome'"):
        _ = review.outcome
    with pytest.raises(KeyError, match=r"use one of .*outcomes"):
        _ = review["outcome"]
    with pytest.raises(KeyError, match="use one of fm_pain"):
        review.pool("pain")


def test_a_review_says_what_is_in_it(review):
    words = repr(review)
    for name, noun in (("analyses", "analyses"), ("figures", "figures")):
        assert f"{len(review[name])} {noun}" in words
    assert "<details>" in review._repr_html_()


def test_a_pool_of_the_review_is_that_of_its_analysis_and_draws_itself(review):
    pool = review.pool("fm_pain")
    assert re.fullmatch(r"MD −?\d\.\d\d \(−?\d\.\d\d to −?\d\.\d\d\); k = \d", repr(pool))
    frame = pool.to_frame()
    assert frame["included"].sum() == pool.k
    assert frame["weight_percent"].sum() == pytest.approx(100)
    assert len(pool.leave_one_out()) == len(pool.cumulative()) == pool.k
    figure, canvas = plt.subplots(figsize=(10, 4))
    ax = pool.forest(ax=canvas)
    assert ax is canvas and ax.figure is figure
    words = " ".join(" ".join(text.get_text() for text in ax.texts).split())
    assert review.bibliography.cite(pool.studies[0].study) in words
    assert f"favours {review.intervention}" in words


def test_every_pool_of_a_review_and_every_part_of_it_draws_itself(review):
    pool = review.pools["fm_pain"]
    part = pool.part(pool.effects["included"], title="Again")
    for drawn in (pool, part):
        assert isinstance(drawn, ev.Pool) and drawn.labels == review.pool("fm_pain").labels
        assert any(f"favours {review.intervention}" in text.get_text()
                   for text in drawn.forest().texts)


def test_a_forest_without_axes_is_a_figure_of_pyplot(review):
    before = plt.get_fignums()
    ax = review.pool("fm_pain").forest()
    assert ax.figure.number not in before and ax.figure.number in plt.get_fignums()


def test_a_pool_draws_its_funnel_and_bubbles_or_says_why_not(review):
    pool = ev.pool(pd.DataFrame({
        "study": [f"s{i}" for i in range(12)], "effect": range(12), "effect_se": [1, 2, 3] * 4,
        "mean_age": range(20, 32), "place": ["a", "b"] * 6,
    }), measure="MD", moderators=["mean_age"], subgroup_by="place")
    assert not pool.why_no_bubble and not pool.why_no_small_study
    assert pool.bubble().get_xlabel() == "Mean age" and pool.funnel().get_ylim()[1] == 0
    pools = {"": pool}
    assert summaries.regressions(review, pools)["term"].tolist() == ["Intercept", "Mean age"]
    assert summaries.subgroups(pools)["group"].tolist() == ["a", "b"]
    assert summaries.small_study(pools)["df"].tolist() == [10]
    pain = review.pool("fm_pain")
    assert "no moderators" in pain.why_no_bubble
    with pytest.raises(ValueError, match="below ten"):
        pain.funnel()
    for table in (summaries.subgroups, summaries.small_study):
        assert table({"": pain}).empty


def test_pyplot_makes_a_figure_outside_the_style(review, monkeypatch):
    """The first figure of a session starts the backend; a style that ends after it takes back
    what that sets, and later figures of a notebook are not shown."""
    real, sizes = plt.figure, []
    monkeypatch.setattr(plt, "figure", lambda **given: (
        sizes.append(plt.rcParams["font.size"]), real(**given))[1])
    before = plt.rcParams["font.size"]
    ax = review.pool("fm_pain").forest()
    assert sizes == [before] and ax.figure.number in plt.get_fignums()


def test_effects_without_a_variance_leave_a_pool_with_their_reason():
    inf = float("inf")
    frame = pd.DataFrame({"study": list("abcde"), "yi": [-0.3, 0.1, 0.2, float("nan"), 9.0],
                          "vi": [0.04, 0.09, inf, 0.1, 0.0]})  # fmt: skip
    pool = ev.pool(frame, measure="GEN", tau2_method="FE")
    assert pool.estimate == pytest.approx((-0.3 / 0.04 + 0.1 / 0.09) / (1 / 0.04 + 1 / 0.09))
    reasons = pool.to_frame().set_index("study")["reason"]
    assert pool.k == 2 and all("vi above zero" in reasons[name] for name in "cde")


def test_a_frame_is_pooled_as_the_analysis_that_holds_its_rows(review):
    pool = review.pool("fm_pain")
    frame = pool.to_frame().assign(effect_se=lambda rows: rows["vi"] ** 0.5)
    mine = ev.pool(frame[["study", "effect", "effect_se"]], measure="MD")
    assert mine.estimate == pytest.approx(pool.estimate)
    assert mine.tau2 == pytest.approx(pool.tau2)
    assert mine.forest().texts


@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_a_figure_shows_and_saves_itself(review, tmp_path, ending):
    figure = review.figure("gap_map")
    data, metadata = figure._repr_mimebundle_()
    assert data["image/png"].startswith(b"\x89PNG") and metadata["image/png"]["alt"] == figure.alt
    path = figure.save(tmp_path / f"map.{ending}")
    assert path.stat().st_size > 1000 and isinstance(figure.table, pd.DataFrame)
    assert figure.axes()[0].figure is not None
    with pytest.raises(ValueError, match="must end in"):
        figure.save(tmp_path / "map.docx")


def test_the_example_of_the_readme_runs_as_written(monkeypatch, tmp_path):
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"),
                        flags=re.DOTALL)
    (example,) = [block for block in blocks if "import evidence as ev" in block]
    assert len(example.strip().splitlines()) <= 8
    for name in ("data", "references.bib"):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.chdir(tmp_path)
    exec(compile(example, "README.md", "exec"), {})


MODULES = [
    name for _, name, _ in pkgutil.walk_packages(evidence.__path__, "evidence.")
    if ".starter" not in name
]


LOAD = functools.cache(ev.load)  # tables are given out as copies


@pytest.mark.parametrize("name", [
    name for name in MODULES
    if ">>>" in Path(importlib.util.find_spec(name).origin).read_text(encoding="utf-8")
])
def test_examples_run(name, monkeypatch):
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(evidence, "load", LOAD)
    found = doctest.testmod(importlib.import_module(name))
    assert found.attempted and not found.failed


@pytest.mark.parametrize("name", evidence.__all__)
def test_every_public_name_has_an_example(name):
    thing = getattr(ev, name)
    parts = dict(inspect.getmembers(thing)) if inspect.isclass(thing) else {}
    methods = {part: value for part, value in parts.items()
               if part[0] != "_" and inspect.isfunction(value)}
    for part, value in {"": thing, **methods}.items():
        assert ">>>" in inspect.getdoc(value), f"{name}.{part}"


def test_importing_loads_neither_pandas_nor_matplotlib():
    code = "import sys, evidence; print({'pandas', 'matplotlib', 'scipy'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"


def test_what_a_build_loads_in_every_process_is_light():
    """Of scipy only `special` is loaded before a root finder or a test is asked for."""
    code = ("import sys, evidence.chapters, evidence.publish, evidence.notebook\n"
            "from evidence.notebook import Narrator\n"
            "print({'scipy.stats', 'scipy.optimize', 'itables', 'nbconvert'} & set(sys.modules))")
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"


NOTEBOOKS = [*sorted((ROOT / "notebooks").glob("*.ipynb")),
             *sorted((ROOT / "src/evidence/starter/notebooks").glob("*.ipynb"))]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: f"{path.parts[-3]}/{path.stem}")
def test_what_a_notebook_names_is_there(path):
    """Names taken from modules exist, without running a cell."""
    modules = {}
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type != "code":
            continue
        for node in ast.walk(ast.parse(cell.source)):
            if isinstance(node, ast.ImportFrom) and node.module.startswith("evidence"):
                for alias in node.names:
                    try:
                        found = importlib.import_module(f"{node.module}.{alias.name}")
                    except ModuleNotFoundError:
                        found = getattr(importlib.import_module(node.module), alias.name)
                    modules[alias.asname or alias.name] = found
            elif (isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
                  and isinstance(modules.get(node.value.id), ModuleType)):
                assert hasattr(modules[node.value.id], node.attr), f"{node.value.id}.{node.attr}"
