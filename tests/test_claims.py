"""The claims audit: counts against the CSV files, filters, remarks, links that lead somewhere."""

import csv
import json
import os
import re
from collections import Counter
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest

from conftest import REPOSITORY
from evidence.chapters.claims import audit, tables
from evidence.pooling.analyses import run_analyses
from evidence.review import columns
from evidence.review.bibliography import Bibliography
from evidence.review.review import load_review
from evidence.wording import html
from evidence.wording.prose import in_words

ROOT = Path(__file__).parents[1]
NOTEBOOKS = ROOT / "notebooks"


def rows(name):
    with (ROOT / "data" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def excesses(review):
    """Harms of which a published pool against placebo, read by somebody, finds more."""
    pooled = review.table("published_pooled")
    ratios = pooled["effect_measure"].str.contains("ratio")
    return pooled[(pooled["domain"] == "harm") & (pooled["contrast"] == "vs_placebo") & ratios
                  & (pooled["verification"] != "unverified") & (pooled["ci_low"] > 1)]


def decided_by(review, rule):
    rules = review.table("verdict_rules").set_index("rule")
    claims = review.table("claims").set_index("claim_id")
    return claims.loc[rules.loc[rule, "claims"].split(";")]


def test_verdicts_on_tolerability_follow_rule_four(review):
    claims = decided_by(review, "R4")
    told = review.table("claims").query("claim_type == 'safety'")
    told = told[told["claim"].str.contains("tolera|few side effects", case=False)]
    assert set(claims.index) == set(told["claim_id"])
    counts = run_analyses(review)["any_adverse_event"]
    no_quarter = any(row.ci_high < 1.25 for row in counts.studies)
    derived = ("mixed" if len(excesses(review)) else "supported" if no_quarter else "limited")
    assert set(claims["evidence_verdict"]) == {derived} == {"mixed"}


def test_verdicts_on_warnings_follow_rule_five(review):
    claims = decided_by(review, "R5")
    warnings = review.table("claim_remarks").query("remark == 'warning'")
    assert set(claims.index) == set(warnings["claim_id"])
    labels = set(review.table("studies").query("role == 'label'")["study"])
    reviews = set(excesses(review)["review"])
    for claim in claims.itertuples():
        sources = set(claim.best_evidence_keys.split(";"))
        assert sources & labels or sources & reviews, claim.Index
        assert claim.evidence_verdict == "supported"


def test_the_tally_of_verdicts_is_that_of_the_rules(review):
    counted = review.table("claims")["evidence_verdict"].value_counts().to_dict()
    path = Path(os.environ.get("EVIDENCE_TABLES", ROOT.parent / "shared" / "evidence"))
    if not (path / "README_claims.md").exists():
        pytest.skip("no evidence tables here: set EVIDENCE_TABLES to compare with them")
    text = " ".join((path / "README_claims.md").read_text(encoding="utf-8").split())
    tally = dict(re.findall(r"([a-z ]+) (\d+)", text.split("Tally of 44:")[1]))
    assert {name.strip().replace(" ", "_"): int(n) for name, n in tally.items()} == counted
    rules = review.table("verdict_rules").set_index("rule")["says"]
    said = {row: " ".join(words.replace("“", '"').replace("”", '"').replace("’", "'").split())
            for row, words in rules.items()}
    for rule, words in re.findall(r"\| (R\d) \| (.*?) \|", text):
        assert said[rule] == words.replace("*", "")


@pytest.mark.parametrize(("first", "second"), [
    ("citation_verdict", "evidence_verdict"), ("section", "citation_verdict"),
    ("section", "evidence_verdict"),
])
def test_cross_tables_count_every_claim_once(review, first, second):
    table = audit.cross(review, first, second)
    counted = Counter((row[first], row[second]) for row in rows("claims"))
    for one, other in product(table.index.drop("total"), table.columns.drop("total")):
        assert table.loc[one, other] == counted[one, other]
    assert table.loc["total", "total"] == len(rows("claims")) == 44


def test_verdicts_without_a_claim_are_rows_of_zeros(review):
    table = audit.cross(review, "citation_verdict", "evidence_verdict")
    used = {row["citation_verdict"] for row in rows("claims")}
    assert set(table.index) - used - {"total"} == {"contradicted"}
    assert table.loc["contradicted", "total"] == 0


def test_the_audit_keeps_the_order_of_the_article_and_marks_what_matters(review):
    table = audit.audit(review)
    assert list(table["claim_id"]) == [f"c{number:02d}" for number in range(1, 45)]
    warnings = {row["claim_id"] for row in rows("claim_remarks") if row["remark"] == "warning"}
    matters = [
        row["claim_id"] for row in rows("claims")
        if row["claim_id"] in warnings and row["evidence_verdict"] == "supported"
        and row["citation_verdict"] != "supported"
    ]
    assert list(table.loc[table["important"], "claim_id"]) == matters == ["c15", "c19"]
    assert list(table.loc[table["uncited"], "claim_id"]) == [
        row["claim_id"] for row in rows("claims") if not row["cited_key"]
    ]


def test_filters_combine_and_a_wrong_word_is_named(review):
    assert len(audit.select(review)) == 44
    chosen = audit.select(review, "guidelines", "not_verifiable", "supported")
    assert list(chosen["claim_id"]) == ["c19"]
    assert audit.select(review, citation="contradicted").empty
    with pytest.raises(ValueError, match=r"'maybe' is no evidence verdict: .*untested"):
        audit.select(review, evidence="maybe")


def test_coverage_adds_up_and_shows_that_no_full_text_was_read(review):
    table = audit.coverage(review).set_index("checked_against")
    assert table["claims"].sum() == 44
    assert table.loc["full text", "claims"] == 0
    assert table.loc[audit.NO_CITATION, "claims"] == sum(
        not row["cited_key"] for row in rows("claims")
    )
    assert table["not_verifiable"].sum() == sum(
        row["citation_verdict"] == "not_verifiable" for row in rows("claims")
    )
    assert table["sources"].sum() == len({r["cited_key"] for r in rows("claims")} - {""})


def test_every_cited_paper_says_how_it_was_read(review):
    table = audit.sources_read(review)
    assert list(table["cited_as"]) == list("123456")
    assert table["read"].notna().all()
    assert table["claims"].sum() == sum(bool(row["cited_key"]) for row in rows("claims"))


def test_contradictions_are_listed_once(review):
    pairs = audit.conflicts(review)[["first", "second"]].to_numpy().tolist()
    assert pairs == [["c01", "c40"], ["c01", "c43"], ["c13", "c24"]]


def test_remarks_belong_to_claims_that_bear_them_out(review):
    dropped = audit.remarks(review, "dropped_hedge")["claim_id"].tolist()
    assert dropped == ["c23", "c24"]
    misplaced = audit.remarks(review, "misplaced_citation")
    assert misplaced["cited_key"].notna().all()
    assert "supported" not in set(
        audit.audit(review).set_index("claim_id").loc[misplaced["claim_id"], "citation_verdict"]
    )
    assert (misplaced["source"] != misplaced["cited_key"]).all()


def test_what_came_after_the_article_is_not_held_against_it(review):
    table = audit.left_out(review)
    year = int(review.item("article_updated")[:4])
    for _, row in table.iterrows():
        years = [int(review.bibliography[key].year) for key in columns.keys(row["source"])]
        if row["in_print"] == "later":
            assert min(years) > year
        elif row["in_print"] == "yes":
            assert min(years) < year
    by_source = table.set_index("source")["in_print"]
    assert set(by_source.loc["rodriguezfreire2026"]) == {"later"}
    assert by_source["dailymed2026"] == "standing document"


@pytest.mark.parametrize("updated, expected", [
    ("May 2025", "later"), ("2025-05-01", "later"), ("1 May 2027, printed", "yes"),
    ("2026", "same year"), ("last spring", None), ("", None),
])
def test_the_year_of_the_text_is_found_however_it_is_written(review, updated, expected):
    items = review.table("review").set_index("item")
    items.loc["article_updated", "value"] = updated
    studies = review.table("studies").drop(columns="role")
    changed = replace(review, tables={**review.tables, "review": items.reset_index(),
                                      "studies": studies})
    found = audit.left_out(changed).set_index("source")["in_print"]
    assert set(found.loc[["rodriguezfreire2026"]]) == {expected}


def test_a_source_without_a_year_is_no_obstacle(review):
    references = dict(review.bibliography.references)
    key = "rodriguezfreire2026"
    fields = {**references[key].fields, "year": "in press"}
    references[key] = replace(references[key], fields=fields)
    changed = replace(review, bibliography=Bibliography(references))
    found = audit.left_out(changed).set_index("source")["in_print"]
    assert found.loc[[key]].isna().all()


def test_the_register_says_none_found_where_nothing_was_found(review):
    table = audit.guideline_register(review)
    nothing = table[table["strength"] == audit.NONE_FOUND]
    assert len(nothing) == sum(row["strength"] == "not_found" for row in rows("guidelines"))
    assert set(nothing["document"]) == {audit.NONE_FOUND}


def test_review_status_is_counted_from_the_verification_columns(review):
    table = audit.review_status(review)
    for name in ("claims", "studies"):
        counted = Counter(row["verification"] for row in rows(name))
        assert list(table[name]) == [
            counted[level] for level in ("primary", "secondary", "derived", "unverified")
        ]


def test_a_changed_verdict_moves_the_counts(copied, cell):
    before = audit.cross(load_review(copied), "citation_verdict", "evidence_verdict")
    cell("claims", "c01", "citation_verdict", "contradicted")
    after = audit.cross(load_review(copied), "citation_verdict", "evidence_verdict")
    assert after.loc["contradicted", "not_supported"] == 1
    assert after.loc["overgeneralised", "total"] == before.loc["overgeneralised", "total"] - 1


def test_every_claim_leads_to_its_source_and_to_its_numbers(review):
    claims = audit.audit(review)
    table = tables.claim_cards(review, claims).set_index(claims["claim_id"])
    cited = table["cited_key"].notna()
    assert all('<a href="https://' in cell.html for cell in table.loc[cited, "address"])
    assert all(".ipynb" in cell.html for cell in table["numbers"])
    assert table.loc["c19", "anchor"] == "claim-c19"
    linked = tables.with_claim_links(review, claims.query("uncited"), "claim_id")["claim_id"]
    assert all(cell.html.startswith('<a href="#claim-c') for cell in linked)
    assert "harms" in str(table.loc["c19", "numbers"])
    assert "schedules" in str(table.loc["c07", "numbers"])
    assert "effects of trials" in str(table.loc["c35", "numbers"])


def test_a_claim_without_documents_has_no_numbers(review):
    assert tables.number_targets(review, "efficacy", None) == []
    assert str(html.links([])) == "–"


def test_links_escape_what_they_show():
    assert html.link("<b>", 'x"y').html == '<a href="x%22y">&lt;b&gt;</a>'
    assert html.place("04_x.ipynb#What-nobody") == "notebook 04: What nobody"
    assert html.place("../data/README.md") == "README.md"


def test_every_feature_and_question_of_the_page_is_accounted_for(review):
    features = tables.features(review)
    assert list(features["feature_id"]) == [row["feature_id"] for row in rows("seed_features")]
    assert features[["how", "status"]].notna().all().all()
    questions = tables.questions(review)
    assert list(questions["question_id"]) == [r["question_id"] for r in rows("related_questions")]
    scope = {row["question_id"]: row["in_scope"] == "true" for row in rows("related_questions")}
    for _, row in questions.iterrows():
        assert (row["answered"] != "off_topic") == scope[row["question_id"]]
        assert (str(row["where"]) != "–") == (row["answered"] in ("yes", "partly"))


def headings(path):
    if path.suffix == ".ipynb":
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        text = "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")
        return {title.strip().replace(" ", "-") for title in re.findall(r"^#+ (.*)$", text, re.M)}
    titles = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


TARGETS = sorted({
    target for name in ("feature_links", "question_links", "number_links")
    for row in rows(name) for target in columns.keys(row["where"])
})


@pytest.mark.parametrize("target", TARGETS)
def test_targets_of_links_exist(target):
    document, _, heading = target.partition("#")
    path = (NOTEBOOKS / document).resolve()
    assert path.is_file(), document
    assert not heading or heading in headings(path)


def test_the_readme_counts_what_the_article_cites():
    cited = [row["cited_key"] for row in rows("claims") if row["cited_key"]]
    uncited = in_words(len(rows("claims")) - len(cited))
    text = " ".join((REPOSITORY / "README.md").read_text(encoding="utf-8").split())
    assert (f"makes {len(rows('claims'))} claims about it; {len(cited)} cite one of "
            f"{in_words(len(set(cited)))} sources, {uncited} cite none") in text


def test_sections_that_the_dictionary_leaves_open_are_those_of_the_text(minimal):
    (minimal / "data" / "claims.csv").write_text(
        "claim_id,section,position,claim,claim_type,cited_key,citation_verdict,evidence_verdict\n"
        "c2,Risks,2,Tea is safe,safety,,not_verifiable,supported\n"
        "c1,Use,1,Tea warms,efficacy,abel2001,supported,mixed\n"
    )
    open_review = load_review(minimal)
    assert audit.words(open_review, "section") == ["Use", "Risks"]
    assert list(audit.select(open_review, section="Risks")["claim_id"]) == ["c2"]
    assert audit.cross(open_review, "section", "evidence_verdict").loc["Use", "mixed"] == 1
