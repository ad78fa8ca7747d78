"""Reviews with few tables: figures say that there are no data, and nothing fails."""

from dataclasses import replace

import pytest

from conftest import MINIMAL, write_review
from drawn import ANALYSES, NAMES, REVIEW
from evidence.cli import main
from evidence.figures import catalogue
from evidence.figures.catalogue import KINDS
from evidence.figures.nodata import TITLE
from evidence.pooling.analyses import Analyses, run_analyses
from evidence.project.build import build
from evidence.review.problems import ReviewError
from evidence.review.review import Tables, load_review
from figure_checks import outside, overlaps, texts

SELECTS = {  # of the minimal review
    "changes": "abel2001-warmth", "timecourse": "abel2001-warmth", "ladder": "abel2001-warmth",
    "directions": "abel2001-warmth", "arms": "abel2001-warmth",
    "analytes": "abel2001;cole2005",
}
OPEN = {  # tables of the default dictionary that four kinds of figure are drawn from
    "studies": (
        "study,condition,condition_label,design,n_randomised,status,randomised,placebo_controlled,"
        "participants_of,duration_weeks\n"
        "abel2001,cold_feet,Cold feet,rct_parallel,40,published,true,true,,12\n"
        "cole2005,cold_feet,Cold feet,rct_parallel,60,published,true,true,,8\n"
    ),
    "claims": (
        "claim_id,section,position,claim,claim_type,cited_key,citation_verdict,evidence_verdict\n"
        "c1,Use,1,Tea warms,efficacy,abel2001,supported,mixed\n"
        "c2,Risks,2,Tea is safe,safety,,not_verifiable,supported\n"
    ),
    "seed_dosing": (
        "schedule,step,kind,dose_mg,start_week_min,start_week_max,label,source\n"
        "text,1,dose,1,0,0,Start,\ntext,2,milestone,,8,12,Judge,\nabel,1,dose,1,0,0,Start,abel2001\n"
    ),
    "mechanism_nodes": "node,label,kind\ntea,Tea,drug\nvein,Vein,receptor\nfeet,Feet,outcome\n",
    "mechanism_groups": "node,mechanism_group,map_column\ntea,Tea,1\nvein,Vein,2\nfeet,Feet,5\n",
    "mechanism_edges": (
        "edge_id,source,target,evidence_tier,stance,retracted,keys\n"
        "e1,tea,vein,in_vitro,supports,,abel2001\ne2,vein,feet,animal,unclear,false,cole2005\n"
    ),
    "concentrations": (
        "item_id,label,kind,analyte,system,low_nm,value_nm,high_nm,key,verification\n"
        "peak,Peak,plasma_level,tea,plasma,2,3,4,abel2001,primary\n"
        "half,Half effect,functional_ic50,tea,cells,,2.5,,cole2005,primary\n"
    ),
    "concentration_rows": "item_id,effect,stands_for,effect_seen\nhalf,Warmth,medicine,true\n",
}


def with_figures(root, rows):
    header = "figure,kind,select,thresholds,message,subtitle,caption\n"
    lines = [f"{name},{kind},{select},{marks},A message,What is plotted,A caption\n"
             for name, kind, select, marks in rows]
    (root / "data" / "figures.csv").write_text(header + "".join(lines), encoding="utf-8")
    return load_review(root)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_draws_or_says_no_data_in_the_minimal_review(minimal, kind):
    review = with_figures(minimal, [("shown", kind, SELECTS.get(kind, "warmth"), "")])
    figure = catalogue.build(review, run_analyses(review), "shown")
    canvas = figure.figure()
    assert outside(canvas) == [] and overlaps(canvas) == []
    page = " ".join(texts(canvas))
    assert figure.title in page
    assert (figure.title == TITLE) == ("No data" in texts(canvas))
    assert figure.alt and figure.method


def test_a_page_without_data_says_what_is_missing(minimal):
    review = with_figures(minimal, [
        ("table", "claims_audit", "", ""), ("column", "event_forest", "warmth", ""),
        ("marks", "forest_page", "warmth", "small"),
    ])
    said = [catalogue.build(review, run_analyses(review), name).subtitle
            for name in ("table", "column", "marks")]
    assert said == [
        "The review has no rows in data/claims.csv.",
        "The review has no column intervention_events in data/outcomes.csv.",
        "The review has no rows in data/instruments.csv.",
    ]


@pytest.mark.parametrize("kind, select", [
    ("claims_audit", ""), ("timeline", ""), ("mechanism_map", "tea"), ("concentrations", "peak"),
])
def test_a_review_without_its_own_dictionary_may_draw_every_kind(minimal, kind, select):
    for name, text in OPEN.items():
        (minimal / "data" / f"{name}.csv").write_text(text)
    review = with_figures(minimal, [("shown", kind, select, "")])
    figure = catalogue.build(review, run_analyses(review), "shown")
    assert figure.title == "A message" and len(figure.table)
    assert "No data" not in texts(figure.figure())


@pytest.mark.parametrize("kind", [kind for kind, needs in KINDS.items() if needs.ids])
def test_a_figure_that_selects_too_little_is_a_listed_problem(minimal, kind):
    review = with_figures(minimal, [("shown", kind, "", "")])
    with pytest.raises(ReviewError, match=r"figures.csv:2 select: names too few"):
        catalogue.build(review, run_analyses(review), "shown")


@pytest.fixture(scope="module")
def pooled_from():
    """Tables that the analyses read."""
    review = replace(REVIEW, tables=Tables(REVIEW.tables))
    assert len(Analyses(review))
    return frozenset(review.tables.reads.all)


@pytest.mark.parametrize("name", NAMES)
def test_no_figure_of_this_review_lacks_data_and_none_breaks_without_a_table(name, pooled_from):
    review = replace(REVIEW, tables=Tables(REVIEW.tables))
    assert catalogue.build(review, ANALYSES, name).title != TITLE
    for table in sorted(review.tables.reads.all - {"figures", "studies", "outcomes", "analyses"}):
        rest = Tables({key: frame for key, frame in REVIEW.tables.items() if key != table})
        rest.made |= {key: made for key, made in review.tables.made.items()
                      if table not in made[1].all}  # what is made of other tables stays as it is
        fewer = replace(REVIEW, tables=rest)
        try:
            analyses = Analyses(fewer) if table in pooled_from else ANALYSES
            assert catalogue.build(fewer, analyses, name).alt
        except ReviewError as error:  # a sentence or an analysis names a row of that table
            assert all(problem.file in ("data/figures.csv", "data/analyses.csv", "data/answers.csv")
                       for problem in error.problems)


def test_extra_columns_of_review_csv_do_no_harm(minimal):
    (minimal / "data" / "review.csv").write_text("item,value,note\ntitle,Feet,mine\nquestion,,\n")
    review = load_review(minimal)
    assert review.item("title") == "Feet" and review.item("question", "none") == "none"
    assert review.labels("review", "item", "value") == {"title": "Feet"}
    assert review.labels("review", "item", "words") == {} == review.labels("claims", "a", "b")


def test_a_figure_that_is_taken_out_takes_its_files_along(minimal):
    with_figures(minimal, [("out", "claims_audit", "", "")])
    build(minimal)
    assert (minimal / "figures" / "out.png").exists()
    (minimal / "figures" / "out.svg").write_text("changed by hand")
    with_figures(minimal, [])
    build(minimal)
    left = {path.name for path in (minimal / "figures").glob("out.*")}
    assert left == {"out.svg"}


def test_a_text_that_is_too_long_is_a_listed_problem(minimal):
    path = minimal / "data" / "figures.csv"
    path.write_text("figure,kind,message\nlong,gap_map," + "very long words " * 20 + "\n")
    review = load_review(minimal)
    with pytest.raises(ReviewError, match=r"figures.csv figure: 'long': .* shorten it"):
        catalogue.build(review, run_analyses(review), "long").figure()


def test_a_long_foot_names_fewer_sources(minimal):
    (minimal / "data" / "outcomes.csv").write_text(
        MINIMAL["data/outcomes.csv"].replace("verification\n", "verification,source,source_where\n")
        .replace("primary\nc", "primary,abel2001,here\nc").rstrip() + ",cole2005,there\n"
    )
    title = (minimal / "references.bib").read_text().replace("Cole, Cy", "{" + "Body " * 30 + "}")
    (minimal / "references.bib").write_text(title)
    review = with_figures(minimal, [("shown", "forest_page", "warmth", "")])
    figure = catalogue.build(review, run_analyses(review), "shown")
    assert "Sources: Abel & Baker 2001 and 1 more." in figure.footer
    assert figure.figure()


def test_four_files_are_enough_for_every_command(tmp_path, capsys):
    root = write_review(tmp_path / "four")
    assert len(MINIMAL) == 4
    for command in ("check", "analyse", "build", "status"):
        assert main([command, str(root)]) == 0, capsys.readouterr().err
    assert (root / "data" / "derived" / "pooled.csv").exists()
    assert build(root).ran == ()
