"""Other people's files come in as they are, or a listed problem says why not."""

import csv
import io
import json
import os
import random
import re
from datetime import datetime

import pytest

from conftest import REPOSITORY
from evidence.notebook import Narrator
from evidence.pooling import in_brief, run_analyses
from evidence.project import import_files
from evidence.publish.site import handout
from evidence.review import ReviewError, load_review
from evidence.review.importing import (
    Existing,
    Options,
    additions,
    new_texts,
    read_files,
)
from evidence.review.importing.columns import meanings

COUNTS = (
    "Author,Year,event.e,n.e,event.c,n.c,region\n"
    "Poe,2001,4,40,9,41,north\nRoe,2004,6,50,8,52,south\n"
)


def file(tmp_path, text, name="table.csv", encoding="utf-8"):
    tmp_path.mkdir(exist_ok=True)
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
    return path


def imported(tmp_path, text, name="table.csv", encoding="utf-8", **options):
    path = file(tmp_path, text, name, encoding)
    done = import_files([path], tmp_path / "review", Options(**options))
    return done, load_review(tmp_path / "review")


def complaints(tmp_path, text, name="table.csv", **options):
    with pytest.raises(ReviewError) as caught:
        imported(tmp_path, text, name, **options)
    assert not (tmp_path / "review").exists()
    return [str(problem) for problem in caught.value.problems]


def pooled(review):
    return dict(run_analyses(review))


def wald(pool):
    row = pool.rule("wald")
    return row.estimate, row.ci_low, row.ci_high


# -- references --------------------------------------------------------------------------------

RIS = """TY  - JOUR
AU  - Poe, Edna Ann
AU  - Tea Collaborative Group,
TI  - Tea & <i>milk</i> at 50% {strength}
JO  - Journal of Tea
PY  - 2011/03/04/
VL  - 7
SP  - 12
EP  - 19
DO  - https://doi.org/10.1000/tea_1
ER  -

TY - CHAP
A1 - van den Berg, Jan, Jr
T1 - A chapter that
goes on
T2 - A book
Y1 - 2005//
TY  - JOUR
AU  - Poe, Edna
TI  - The record before has no end
PY  - 2011
"""
NBIB = """
PMID- 7654321
DP  - 2012 Mar-Apr
TI  - Cold feet: a
      randomised trial.
LID - 10.1000/feet.2 [doi]
FAU - Roe, Bo
CN  - Feet Study Group
JT  - Feet
"""
CSL = json.dumps([{
    "type": "article-journal", "title": "Warm <i>feet</i>", "DOI": "10.1000/warm",
    "author": [{"family": "Berg", "given": "Jan", "non-dropping-particle": "van den"},
               {"literal": "Tea Board"}],
    "issued": {"date-parts": [["2013", 5]]}, "container-title": "Feet & Hands", "page": "1-9",
}])
BIBTEX = """@string{jt = {Journal of Tea}}
@article{doe_cups_2014, title = {Cups}, author = {Doe, J and others}, journal = jt, month = mar,
  year = 2014, doi = {10.1000/cups} }
"""


@pytest.mark.parametrize(
    "text, name, kind, labels",
    [
        (RIS, "a.txt", "RIS", ["Poe & Tea Collaborative Group 2011", "van den Berg 2005",
                               "Poe 2011"]),
        (NBIB, "b.nbib", "PubMed", ["Roe & Feet Study Group 2012"]),
        (CSL, "c.json", "CSL-JSON", ["van den Berg & Tea Board 2013"]),
        (BIBTEX, "d.bib", "BibTeX", ["Doe et al. 2014"]),
    ],
)
def test_references_of_each_program(tmp_path, text, name, kind, labels):
    done, review = imported(tmp_path, text, name)
    assert kind in done.found[0]
    assert [review.bibliography.cite(key) for key in review.bibliography] == labels


EXPORTS = {  # written anew after the exports of these programs
    "Cochrane": ("""Record #3 of 18
Provider: John Wiley & Sons, Ltd.

TY  -  JOUR
AN  -  CN-00000001
A1  -  Poe, EA
T1  -  Tea in cups
JA  -  Trials of tea
PY  -  2011
SP  -  127‐129
C3  -  PUBMED 21000001,EMBASE 64000001
M3  -  Journal article
DO  -  10.1000/tea-1
ER  -
""", "Poe EA. Tea in cups. Trials of tea. 2011:127–129.", "21000001"),
    "Embase": ("""TY  - JOUR
M3  - Article
Y1  - 2024
VL  - 15
JF  - Tea Communications
JO  - Tea Commun.
UR  - https://www.embase.com/search/results?id=L1&from=export
C5  - 38000001
DB  - Embase
DB  - Medline
L2  - http://dx.doi.org/10.1000/tea-2
DO  - 10.1000/tea-2
LK  - https://example.org/atoz?sid=EMBASE
A1  - Roe, Z.
A1  - McDoe, M.E.
M1  - (Roe Z., roe@example.org) School of Tea
T1  - Structure of tea
ER  -
""", "Roe Z, McDoe ME. Structure of tea. Tea Communications. 2024;15.", "38000001"),
    "Ovid": ("""2.
TY  - JOUR
DB  - APA PsycInfo <2021>
ID  - 2021-00001-001
DO  - https://dx.doi.org/10.1000/tea-3
T1  - TEA: a treatment.
A1  - Doe, Amy
A2  - Poe, T., Roe, L., Poe, Poe, T.M., et al.
Y1  - 2021//
JF  - Journal of Tea
VL  - 13
PB  - Tea Limited
PB  - United Kingdom
M1  - Poe, T. (2000). Cups https://dx.doi.org/10.1000/other-1 https://dx.doi.org/10.1000/other-2
ER  -
""", "Doe A. TEA: a treatment. Journal of Tea. 2021;13.", ""),
    "Web of Science": ("""TY  - JOUR
AU  - Poe, SD
AU  - Loe, MA
TI  - New tea
T2  - TEA ONE
AB  - Background: one.
   Methods: two.
C3  - University of Tea
J9  - TEA ONE
DA  - SEP 22
PY  - 2010
VL  - 5
IS  - 9
C7  - e12292
DO  - 10.1000/tea-4
AN  - WOS:000282053100002
N1  - Times Cited:  142
Total Times Cited:  162
ER  -

""", "Poe SD, Loe MA. New tea. TEA ONE. 2010;5(9):e12292.", ""),
    "RefWorks": ("""
TY  - JOUR
ID  - RefID:888-poe2024
A1  - Poe, C.
T1  - Description of tea
Y1  - 2024
N1  - undefined
JF  - Record of Tea
SN  - 1932-8494; 1932-8486
UR  - https://www.example.org/a?id=1&x=2 http://dx.doi.org/10.1000/tea-5 https://example.org/b
M1  - Journal Article
ER  -
""", "Poe C. Description of tea. Record of Tea. 2024.", ""),
    "PubMed": ("""PMID- 39000001
OWN - NLM
STAT- MEDLINE
IS  - 1744-957X (Electronic)
VI  - 20
IP  - 12
DP  - 2024 Dec
TI  - Tea: an evolving
      science.
PG  - 1849-55
LID - 10.1000/tea-6 [doi]
LID - 20240472
FAU - Doe, R McNeill
AU  - Doe RM
AUID- ORCID: 0000-0003-0000-0000
PT  - Review
TA  - Tea Lett
JT  - Tea letters
PMC - PMC11000001
AID - tea20240472 [pii]
AID - 10.1000/tea-6 [doi]
SO  - Tea Lett. 2024 Dec;20(12):1849-55.
""", "Doe RM. Tea: an evolving science. Tea letters. 2024;20(12):1849–55.", "39000001"),
}


@pytest.mark.parametrize("program", EXPORTS)
def test_exports_of_databases(program):
    text, wanted, pmid = EXPORTS[program]
    found = read_files([(program, text.encode())], Options())
    (entry,) = additions(found, Existing()).entries
    kept = [name for name in ("author", "title", "journal", "year", "volume", "number", "pages")
            if name in entry.fields]
    path_text = "@article{key,\n" + ",\n".join(
        f"{name} = {{{entry.fields[name]}}}" for name in kept) + "}"
    assert parsed_reference(path_text).vancouver == wanted
    assert entry.fields["doi"].startswith("10.1000/tea-")
    assert entry.fields.get("pmid", "") == pmid


def parsed_reference(text):
    from pathlib import Path
    from tempfile import TemporaryDirectory

    from evidence.review.bibliography import read_bibliography

    with TemporaryDirectory() as place:
        path = Path(place) / "references.bib"
        path.write_text(text, encoding="utf-8")
        return read_bibliography(path)[0]["key"]


def test_words_of_references_survive(tmp_path):
    _, review = imported(tmp_path, RIS)
    first = review.bibliography["poe2011a"]
    assert first["title"] == "Tea & milk at 50% {strength}"
    assert first.vancouver.endswith("Journal of Tea. 2011;7:12–19.")
    assert first.link == "https://doi.org/10.1000/tea_1"
    assert review.bibliography["vandenberg2005"].authors[0].suffix == "Jr"


def first_reference(name, text):
    (entry, *_) = additions(read_files([(name, text.encode())], Options()), Existing()).entries
    fields = ",\n".join(f"{field} = {{{value}}}" for field, value in entry.fields.items())
    return parsed_reference(f"@{entry.kind}{{key,\n{fields}}}")


ODD = {  # as these programs write names, titles and places
    "Ovid from Embase": (
        "a.ris", "TY  - JOUR\nA1  - Poe E.A.\nA1  - Roe B.\nT1  - Tea\nY1  - 2011//\nJF  - Cups\n"
        "ER  - \n", "Poe EA, Roe B. Tea. Cups. 2011."),
    "PubMed, translated, capitals": (
        "b.nbib", "PMID- 12345\nDP  - 1966\nTI  - [Tea and cups].\nAU  - POE B Jr\n"
        "AU  - van Roe CD\nTA  - Cups\n", "POE B Jr, van Roe CD. Tea and cups. Cups. 1966."),
    "Scopus, a congress": (
        "c.ris", "TY  - CONF\nTI  - Tea\nAU  - Poe, E.\nC3  - Days of Tea\nPY  - 2018\n"
        "SP  - 3\nER  - \n",
        "Poe E. Tea. Days of Tea. 2018:3."),
    "EndNote, pages in one": (
        "d.ris", "TY  - JOUR\nTI  - Tea\nAU  - Poe, E.\nT2  - Cups\nPY  - 2018\n"
        "SP  - 45-61\nER  - \n",
        "Poe E. Tea. Cups. 2018:45–61."),
    "Crossref": ("e.json", json.dumps({"message": {
        "type": "journal-article", "title": ["Tea"], "container-title": ["Cups"],
        "author": [{"family": "Poe", "given": "E"}], "published-print": {"date-parts": [[2018, 2]]},
    }}), "Poe E. Tea. Cups. 2018."),
    "BibLaTeX, names by parts": (
        "f.bib", "@article{a, author = {family=Poe, given=Jan, prefix=van den, useprefix=true and "
        "family=Roe, given=Bo, suffix=Jr}, title = {Tea}, date = {2018}, journaltitle = {Cups}}",
        "van den Poe J, Roe B Jr. Tea. Cups. 2018."),
    "Web of Science": (
        "g.bib", "@article{WOS:1,\nAuthor = {Poe, S. D. and EXAMPLE Study Grp},\nTitle = {Tea},\n"
        "Journal = {CUPS},\nYear = {2010},\nArticle-Number = {e12}}",
        "Poe SD, EXAMPLE Study Grp. Tea. CUPS. 2010:e12."),
    "Mendeley and Scopus": (
        "h.bib", r"@article{a, author = {Poe, S. D.}, title = {\textless i\textgreater{}Tea"
        r"\textless/i\textgreater{} at p {\textless} 0.05}, journal = {Cups}, year = {2010}, "
        r"volume = {{3}}, number = {1{\&}2}, pages = {{45 – 61}}}",
        "Poe SD. Tea at p < 0.05. Cups. 2010;3(1&2):45–61."),
}  # fmt: skip


@pytest.mark.parametrize("name, text, wanted", ODD.values(), ids=ODD)
def test_names_and_places_as_programs_write_them(name, text, wanted):
    assert first_reference(name, text).vancouver == wanted


def test_a_reference_comes_in_once(tmp_path):
    imported(tmp_path, RIS)
    again = import_files([file(tmp_path, RIS, "again.ris"), file(tmp_path, CSL, "c.json")],
                         tmp_path / "review")
    assert len(load_review(tmp_path / "review").bibliography) == 4
    assert sum("left out, the same as" in line for line in again.left) == 3


# -- tables ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "header, expected",
    [
        ("slab,ai,bi,ci,di", "events nonevents"),
        ("study,ai,n1i,ci,n2i", "events n"),
        ("author,tpos,tneg,cpos,cneg", "events nonevents"),
        ("Study,Events (treatment),Total (treatment),Events (control),Total (control)", "events n"),
        ("Trial,deaths_drug,n_drug,deaths_placebo,n_placebo", "events n"),
        ("Study,Aspirin events,Aspirin total,Placebo events,Placebo total", "events n"),
        ("studlab,eventE,nE,eventC,nC", "events n"),
        ("Author,Ne,Me,Se,Nc,Mc,Sc", "n mean sd"),
        ("id,m1i,sd1i,n1i,m2i,sd2i,n2i", "n mean sd"),
        ("Studie,N1,M1,SD1,N2,M2,SD2", "n mean sd"),
        ("Studie,MW Intervention,SD Intervention,N Intervention,MW Kontrolle,SD Kontrolle,"
         "N Kontrolle", "n mean sd"),
    ],
)
def test_names_of_other_programs(header, expected):
    found = {meaning.target for meaning in meanings(header.split(",")).values()}
    for arm in ("intervention", "control"):
        assert {f"{arm}_{part}" for part in expected.split()} <= found


@pytest.mark.parametrize("header, target, measure", [
    ("95%-KI untere", "effect_ci_low", ""), ("IC95% sup", "effect_ci_high", ""),
    ("Lower limit of 95% CI", "effect_ci_low", ""), ("HR (95% CI)", "effect_ci", "HR"),
    ("Std. mean difference [95%-KI]", "effect_ci", "SMD"), ("Effect (95% CI)", "effect_ci", ""),
])  # fmt: skip
def test_names_of_limits(header, target, measure):
    (meaning,) = meanings([header]).values()
    assert (meaning.target, meaning.measure) == (target, measure)


@pytest.mark.parametrize(
    "header", ["90% CI", "99% CI lower", "95% CI T", "bound", "adj. OR (95% CI)"])
def test_names_of_other_limits_are_asked_for(header):
    assert not meanings([header])


def test_an_imported_review_speaks_of_no_example_and_shows_its_results(tmp_path):
    _, review = imported(tmp_path, COUNTS.replace("event.e", "events treatment") + (
        "Zoe,2005,2,20,4,21,south\n"))
    readme = (review.root / "README.md").read_text(encoding="utf-8")
    assert "example" not in readme
    steps = re.findall(r"^\| (\d) \| `([^`]+)`", readme, re.MULTILINE)
    assert [number for number, _ in steps] == list("1234567")
    (line,) = in_brief(run_analyses(review))
    assert re.fullmatch(
        r"Studies of table\.csv\. Three studies pooled: risk ratio [\d.]+ \(.*\)\.", line)
    assert f"- {line}" in str(Narrator(review).answer("clinician"))
    front = handout(review.root)["index.html"].decode()
    assert line in front and "The results" in front


def test_a_wide_table_becomes_a_review(tmp_path):
    _done, review = imported(tmp_path, COUNTS)
    outcomes = review.table("outcomes")
    assert list(outcomes["study"]) == ["poe2001", "roe2004"]
    assert list(outcomes["region"]) == ["north", "south"]
    assert set(outcomes["verification"]) == {"secondary"}
    assert list(outcomes["source_where"]) == ["table.csv, row 2", "table.csv, row 3"]
    (pool,) = pooled(review).values()
    assert (pool.measure, pool.k, pool.tau2_method) == ("RR", 2, "REML")
    assert review.bibliography.cite("poe2001") == "Poe 2001"


def test_an_import_adds_and_never_overwrites(tmp_path):
    imported(tmp_path, COUNTS)
    data = tmp_path / "review" / "data"
    before = {path.name: path.read_text() for path in data.glob("*.csv")}
    more = COUNTS.replace("Poe,2001,4", "Poe,2001,5").replace("region", "area")
    done = import_files([file(tmp_path, more, "more.csv")], tmp_path / "review")
    after = (data / "outcomes.csv").read_text().splitlines()
    old = list(csv.DictReader(io.StringIO(before["outcomes.csv"])))
    new = list(csv.DictReader(io.StringIO("\n".join(after))))
    for was, now in zip(old, new, strict=False):
        assert was.items() <= now.items()
    assert len(new) == 3
    assert any("stands there already" in line for line in done.left)
    again = import_files([file(tmp_path, more, "more.csv")], tmp_path / "review")
    assert not again.written


def test_references_first_then_data(tmp_path):
    bib = "@article{key1, author = {Poe, Edna}, title = {Tea}, year = {2001}, doi = {10.1000/1}}\n"
    imported(tmp_path, bib, "library.bib")
    done = import_files([file(tmp_path, COUNTS)], tmp_path / "review")
    review = load_review(tmp_path / "review")
    assert list(review.table("outcomes")["study"]) == ["key1", "roe2004"]
    assert any("taken for the reference key1" in line for line in done.left)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
def test_european_tables(tmp_path, encoding):
    text = ("Studie;Mittelwert Intervention;SD Intervention;N Intervention;Mittelwert Kontrolle;"
            "SD Kontrolle;N Kontrolle;gültig\n"
            "Müller 2001;1.234,5;10,5;1.020;1.250,0;11,0;1.021;WAHR\n"
            "Größe 2003;1.300,5;10,5;20;1.350,0;11,0;k.A.\n")
    if encoding == "utf-8-sig":
        text = text.replace("k.A.", "22;FALSCH")
    done, review = imported(tmp_path, text, encoding=encoding)
    outcomes = review.table("outcomes")
    assert outcomes["intervention_mean"].iloc[0] == 1234.5
    assert outcomes["intervention_n"].iloc[0] == 1020
    assert any("decimal comma" in line for line in done.found)


def test_a_decimal_mark_is_asked_for_where_it_is_open(tmp_path):
    text = 'study,m1i,sd1i,n1i,m2i,sd2i,n2i\nA 2001,"1,234","2,500",20,"1,500","2,100",21\n'
    (line,) = complaints(tmp_path, text)
    assert "--decimal" in line and "1,234" in line
    _, review = imported(tmp_path, text, decimal=",")
    assert review.table("outcomes")["intervention_mean"].iloc[0] == 1.234


def test_gaps_and_floats_are_said(tmp_path):
    text = "study,ai,n1i,ci,n2i\nA 2001,4.0,40.0,9.0,41.0\nB 2002,NA,NA,NA,NA\n"
    done, review = imported(tmp_path, text)
    said = "\n".join(done.found)
    assert "4.0 as 4" in said and "“NA” in row 3" in said
    (pool,) = pooled(review).values()
    assert pool.k == 1
    assert any("B 2002 has not enough" in line for line in done.left)


def workbook(tmp_path, rows, title="Data", merge=(), more=()):
    from openpyxl import Workbook

    book = Workbook()
    sheet = book.active
    sheet.title = title
    for row in rows:
        sheet.append(row)
    for area in merge:
        sheet.merge_cells(area)
    for name, extra in more:
        other = book.create_sheet(name)
        for row in extra:
            other.append(row)
    path = tmp_path / "book.xlsx"
    book.save(path)
    return path.read_bytes()


def test_a_workbook_with_titles_merged_headings_and_totals(tmp_path):
    content = workbook(tmp_path, [
        ["What we extracted"], [], ["", "Tea", "", "", "No tea"],
        ["Study", "Mean", "SD", "N", "Mean", "SD", "N", "Land"],
        ["Poe 2001", 4.5, 2.5, 40.0, 5.5, 2.6, 41, "north"],
        ["Roe 2004", 14.5, 6.5, 60, 15.5, 7.6, 61, "south"],
        ["Total", None, None, 100, None, None, 102], ["Read by two of us"],
    ], merge=["B3:D3", "E3:G3"])  # fmt: skip
    columns = {"Tea Mean": "intervention_mean", "Tea SD": "intervention_sd",
               "Tea N": "intervention_n", "No tea Mean": "control_mean",
               "No tea SD": "control_sd", "No tea N": "control_n"}  # fmt: skip
    done, review = imported(tmp_path, content, "book.xlsx", columns=columns)
    (pool,) = pooled(review).values()
    assert (pool.measure, pool.k) == ("MD", 2)
    said = "\n".join(done.found)
    assert "“Total” is a total" in said and "A8:H8" in said
    places = review.table("outcomes")["source_where"]
    assert places.iloc[0] == "book.xlsx (sheet Data), cells A5:H5"


def test_workbooks_are_asked_back(tmp_path):
    rows = [["study", "ai", "n1i", "ci", "n2i"], ["Poe 2001", 1, 20, 3, 20]]
    two = workbook(tmp_path, rows, "One", more=[("Two", rows)])
    assert "--sheet" in complaints(tmp_path, two, "book.xlsx")[0]
    dated = workbook(tmp_path, [rows[0], ["Poe 2001", datetime(2024, 3, 5), 20, 3, 20]])
    assert "is a date" in complaints(tmp_path, dated, "book.xlsx")[0]
    done, _ = imported(tmp_path, two, "book.xlsx", sheet="two")
    assert "sheet Two" in done.found[0]


def test_effects_ratios_and_logs(tmp_path):
    generic = "author,year,yi,vi\nPoe,2001,-0.2,0.04\nRoe,2004,0.1,0.09\n"
    _, review = imported(tmp_path, generic)
    (pool,) = pooled(review).values()
    assert pool.measure == "GEN"
    assert wald(pool)[0] == pytest.approx((-0.2 / 0.04 + 0.1 / 0.09) / (1 / 0.04 + 1 / 0.09))


def test_logs_of_named_ratios_become_ratios(tmp_path):
    _, review = imported(tmp_path, "study,logOR,seLogOR\nPoe 2001,-0.5,0.2\nRoe 2004,0,0.3\n")
    row = review.table("outcomes").iloc[0]
    assert row["effect"] == pytest.approx(0.60653066)
    assert row["effect_measure"] == "odds_ratio"


def test_subgroups_under_headings_and_rows_of_one_study(tmp_path):
    text = ("Study,Events treatment,Total treatment,Events control,Total control\nMen,,,,\n"
            "Poe 2001,5,20,8,21\nRoe 2004,5,30,8,31\nWomen,,,,\nPoe 2001,2,20,3,21\n")
    done, review = imported(tmp_path, text)
    outcomes = review.table("outcomes").set_index("outcome_id")
    assert list(outcomes["subgroup"]) == ["Men", "Men", "Women"]
    assert list(outcomes["stratum"].fillna("")) == ["Men", "", "Women"]
    assert review.table("analyses")["subgroup_by"].iloc[0] == "subgroup"
    assert any("if they are the same people, keep one" in line for line in done.left)


def test_outcomes_become_analyses(tmp_path):
    text = ("study,outcome,ai,n1i,ci,n2i\nA 2001,pain,1,9,2,9\nB 2002,pain,2,9,4,9\n"
            "A 2001,sleep,3,9,4,9\n")
    _, review = imported(tmp_path, text)
    assert list(review.table("analyses")["title"]) == ["pain", "sleep"]


def test_one_row_an_arm(tmp_path):
    text = "Study,T,R,N\nA,Tea,5,20\nA,Placebo,8,21\nB,Placebo,3,30\nB,Tea,2,31\n"
    done, review = imported(tmp_path, text)
    outcomes = review.table("outcomes")
    assert list(outcomes["intervention_events"]) == [5, 2]
    assert any("the control is “Placebo”" in line for line in done.found)
    assert "network" in complaints(tmp_path / "x", text.replace("B,Placebo", "B,Milk"))[0]


ARMS_OF_MEANS = (
    "study,{},week,mean,sd,n\nA 2001,Tea,4,4.5,2.1,20\nA 2001,placebo,4,5.5,2.3,21\n"
    "B 2002,placebo,4,5.0,2.0,31\nB 2002,Tea,4,4.0,1.9,30\n"
)


@pytest.mark.parametrize("name", ["arm", "Group", "Treatment", "which"])
def test_one_row_an_arm_with_means(tmp_path, name):
    _, review = imported(tmp_path, ARMS_OF_MEANS.format(name))
    (pool,) = pooled(review).values()
    weights = [1 / (2.1**2 / 20 + 2.3**2 / 21), 1 / (1.9**2 / 30 + 2.0**2 / 31)]
    assert (pool.measure, pool.k) == ("MD", 2)
    assert wald(pool)[:2] == pytest.approx((-1, -1 - 1.959964 / sum(weights) ** 0.5))


def test_errors_of_arms_become_deviations(tmp_path):
    text = ARMS_OF_MEANS.format("arm").replace(",sd,", ",SEM,")
    _, review = imported(tmp_path, text)
    assert review.table("outcomes")["control_sd"].iloc[0] == pytest.approx(2.3 * 21**0.5)


def test_arms_at_several_times_are_asked_back(tmp_path):
    text = ARMS_OF_MEANS.format("arm")
    text += "".join(line.replace(",4,", ",12,", 1) + "\n" for line in text.splitlines()[1:])
    (line,) = complaints(tmp_path, text)
    assert "A 2001, Tea" in line and "row 2 already" in line and "“week,outcome”" in line
    _, review = imported(tmp_path, text, columns={"week": "outcome"})
    assert [pool.k for pool in pooled(review).values()] == [2, 2]


def test_groups_of_shares_are_no_arms(tmp_path):
    text = "study,group,events,n\nA 2001,men,4,20\nA 2001,women,8,21\nB 2002,men,4,30\n"
    _, review = imported(tmp_path, text)
    assert set(review.table("analyses")["measure"]) == {"PROP"}


@pytest.mark.parametrize("text", [
    "Study,HR (95% CI)\nA 2001,0.82 (0.70-0.96)\nB 2002,\"0.91 [0.60, 1.38]\"\n",
    "Study;HR (95%-KI)\nA 2001;0,82 (0,70–0,96)\nB 2002;0,91 (95% KI: 0,60 bis 1,38)\n",
    "Study;Jahr;Hazard Ratio;95%-KI untere;95%-KI obere\nA;2001;0,82;0,70;0,96\n"
    "B;2002;0,91;0,6;1,38\n",
])  # fmt: skip
def test_a_ratio_with_its_limits(tmp_path, text):
    _, review = imported(tmp_path, text)
    rows = review.table("outcomes")[["effect", "effect_ci_low", "effect_ci_high"]]
    assert rows.to_numpy().tolist() == [[0.82, 0.7, 0.96], [0.91, 0.6, 1.38]]
    assert set(review.table("outcomes")["effect_measure"]) == {"hazard_ratio"}


def test_counts_and_people_in_one_cell(tmp_path):
    text = "Study,Tea (n/N),Control (n/N)\nA 2001,4/20,8/21\nB 2002,5/30 (16.7%),9 of 31\n"
    columns = {"Tea (n/N)": "intervention_n"}
    _, review = imported(tmp_path, text, columns=columns)
    names = ["intervention_events", "intervention_n", "control_events", "control_n"]
    assert review.table("outcomes")[names].to_numpy().tolist() == [[4, 20, 8, 21], [5, 30, 9, 31]]


@pytest.mark.parametrize("text, measure", [
    ("study,ai,n1i,ci,n2i,yi,vi\nA 2001,4,123,11,139,-0.9387,0.3571\n"
     "B 2002,6,306,29,303,-1.6662,0.2081\nC 2003,0,20,3,20,-2.1,2.4\n", "OR"),
    ("study,ai,n1i,ci,n2i,yi,vi\nA 2001,4,123,11,139,-0.8893,0.3256\n", "RR"),
    ("study,m1i,sd1i,n1i,m2i,sd2i,n2i,yi,vi\nA 2001,55,47,155,75,64,156,-0.3552,0.0131\n", "SMD"),
])  # fmt: skip
def test_the_measure_is_that_of_the_effects_in_the_table(tmp_path, text, measure):
    _, review = imported(tmp_path, text)
    assert list(review.table("analyses")["measure"]) == [measure]
    _, review = imported(tmp_path / "asked", text, measure="MD" if measure == "SMD" else "RD")
    assert list(review.table("analyses")["measure"]) == ["MD" if measure == "SMD" else "RD"]


def test_p_values_as_people_write_them():
    cells = {"n.s.": None, "0.003**": 0.003, "p = 0.02": 0.02, "P<0.001": 0.001, "≤.05": 0.05}
    text = "Study;MD;SE;p\n" + "".join(
        f"S{n} 2001;-0.5;0.2;{cell}\n" for n, cell in enumerate(cells))
    found = read_files([("p.csv", text.encode())], Options())
    rows = [result.fields for result in found.analyses[0][1].results]
    assert [float(row["p_value"]) if "p_value" in row else None for row in rows] == (
        list(cells.values()))
    assert [row.get("p_relation", "=") for row in rows] == ["=", "=", "=", "<", "<"]


def test_the_scale_of_the_error_of_a_ratio_is_said():
    for header, is_said in (("OR,SE(OR)", True), ("OR,SE", True), ("logOR,SE(logOR)", False),
                            ("OR,SE(logOR)", False), ("MD,SE", False)):  # fmt: skip
        text = f"Study,{header}\nA 2001,0.5,0.2\nB 2002,0.9,0.15\n"
        notes = read_files([("e.csv", text.encode())], Options()).notes
        assert any("the standard error of the log" in note for note in notes) is is_said


def test_medians_are_named(tmp_path):
    text = "Study,Median T,IQR T,N T,Median C,IQR C,N C\nA,4,3-6,20,5,4-7,21\n"
    (line,) = complaints(tmp_path, text)
    assert "Median T" in line and "not pooled" in line


def test_totals_of_other_programs_are_no_studies(tmp_path):
    text = ("Study name,Odds ratio,Lower limit,Upper limit\nA 2001,0.5,0.3,0.8333\n"
            "Fixed,0.6,0.4,0.9\nRE Model,0.6,0.4,0.9\nCombined,0.6,0.4,0.9\n")
    done, review = imported(tmp_path, text)
    assert len(review.table("outcomes")) == 1
    assert sum("is a total" in line for line in done.found) == 3


def test_cells_that_moved_are_named(tmp_path):
    text = COUNTS.replace("Poe,2001", "Poe, E,2001")
    (line,) = complaints(tmp_path, text.replace(",region", "").replace(",north", ""). replace(
        ",south", ""))  # fmt: skip
    assert "table.csv:2" in line and "behind the last column" in line


def test_a_column_without_a_name_is_said(tmp_path):
    text = COUNTS.replace("north", "north,seen")
    done, _ = imported(tmp_path, text)
    assert any("“seen” in a column without a name" in line for line in done.found)


def test_numbers_of_rows_as_r_writes_them(tmp_path):
    lines = COUNTS.splitlines()
    text = "\n".join([lines[0], *(f"{n},{line}" for n, line in enumerate(lines[1:], 1))]) + "\n"
    _, review = imported(tmp_path, text)
    assert list(review.table("outcomes")["study"]) == ["poe2001", "roe2004"]


def test_a_total_beside_two_arms_is_kept(tmp_path):
    text = "study,N,ai,n1i,ci,n2i\nA 2001,41,3,20,5,21\n"
    _, review = imported(tmp_path, text)
    assert list(review.table("outcomes")["their_n"]) == ["41"]


REVMAN = (
    "Analysis group,Analysis number,Analysis name,Subgroup,Subgroup number,Applicability,Study,"
    "Study year,GIV Mean,GIV SE,Experimental mean,Experimental SD,Experimental cases,"
    "Experimental N,Control mean,Control SD,Control cases,Control N,O-E,Variance,Weight,Mean,"
    "CI start,CI end,Footnotes\n"
    "1,1,Falls,Home,1,SUBGROUP_AND_OVERALL,Poe 1999,1999,0,0,0,0,4,30,0,0,9,31,0,0,0,,,,\n"
    "1,1,Falls,Ward,2,SUBGROUP_AND_OVERALL,Poe 1999,1999,0,0,0,0,6,40,0,0,7,41,0,0,0,,,,\n"
    "1,1,Falls,Ward,2,SUBGROUP_AND_OVERALL,Roe 2003,2003,0,0,0,0,5,50,0,0,6,51,0,0,0,,,,\n"
    "1,2,Pain,,,OVERALL,Poe 1999,1999,0,0,4.5,2,0,30,5,2.5,0,31,0,0,0,,,,kept\n"
    "1,2,Pain,,,OVERALL,Roe 2003,2003,0,0,3.5,2,0,50,4,2.5,0,51,0,0,0,,,,\n"
    "2,1,Survival,,,OVERALL,Roe 2003,2003,-0.2,0.1,0,0,0,50,0,0,0,51,0,0,0,0.82,0.67,1.0,\n"
)


def test_data_rows_of_revman(tmp_path):
    _done, review = imported(tmp_path, REVMAN, "rows.csv")
    analyses = review.table("analyses")
    assert list(analyses["title"]) == ["Falls", "Pain", "Survival"]
    assert list(analyses["measure"]) == ["RR", "MD", "GEN"]
    assert analyses["subgroup_by"].iloc[0] == "subgroup"
    assert analyses["scale"].iloc[2] == "log"
    outcomes = review.table("outcomes")
    assert len(outcomes) == 6 and outcomes["study"].nunique() == 2
    assert outcomes["footnotes"].dropna().tolist() == ["kept"]


def test_settings_of_revman_decide(tmp_path):
    settings = ("Analysis group,Analysis number,Data type,Statistical method,Effect measure,"
                "Analysis model,Experimental group label,Control group label\n"
                "1,1,Dichotomous,Inverse Variance,Odds Ratio,Fixed effect,Tea,Water\n")
    files = [file(tmp_path, REVMAN, "rows.csv"), file(tmp_path, settings, "settings.csv")]
    import_files(files, tmp_path / "review")
    review = load_review(tmp_path / "review")
    first = review.table("analyses").iloc[0]
    assert (first["measure"], first["tau2_method"]) == ("OR", "FE")
    assert (review.intervention, review.control) == ("Tea", "Water")


def test_logs_of_revman_are_seen_from_what_it_shows(tmp_path):
    settings = ("Analysis group,Analysis number,Data type,Statistical method,Effect measure,"
                "Analysis model\n2,1,Generic,Inverse Variance,Hazard Ratio,Fixed effect\n")
    files = [file(tmp_path, REVMAN, "rows.csv"), file(tmp_path, settings, "settings.csv")]
    import_files(files, tmp_path / "review")
    review = load_review(tmp_path / "review")
    assert list(review.table("analyses")["measure"])[2] == "HR"
    assert review.table("outcomes")["effect"].iloc[-1] == pytest.approx(0.818730753)


def test_interval_of_revman_comes_along(tmp_path):
    settings = ("Analysis group,Analysis number,Data type,Statistical method,Effect measure,"
                "Analysis model,Heterogeneity estimator,Summary effect CI method\n"
                "1,1,Dichotomous,Inverse Variance,Risk Ratio,Random effects,REML,HKSJ\n"
                "1,2,Continuous,Inverse Variance,Mean Difference,Random effects,DL,Wald-type\n")
    files = [file(tmp_path, REVMAN, "rows.csv"), file(tmp_path, settings, "settings.csv")]
    import_files(files, tmp_path / "review")
    table = load_review(tmp_path / "review").table("analyses")
    assert list(table["interval_rule"])[:2] == ["hartung_knapp", "wald"]
    assert list(table["tau2_method"])[:2] == ["REML", "DL"]


FIVE = (
    "Comparison Number,Outcome Number,Subgroup Number,Name,Data Type,Statistical Method,"
    "Effect Measure,Analysis Model,Events 1,Mean 1,SD 1,Total 1,Events 2,Mean 2,SD 2,Total 2,"
    "Effect Estimate,SE,Group Label 1,Group Label 2,Year of study,User defined order\n"
    "1,0,0,Tea or not,,,,,,,,,,,,,,,,,,\n"
    "1,1,0,Cold feet,DIC,MH,OR,Fixed,8,,,80,15,,,82,0.49,,Tea,Water,,\n"
    "1,1,1,Men,,,,,3,,,30,6,,,31,0.46,,,,,\n"
    "1,1,1,POE,,,,,3,0,0,30,6,0,0,31,0.46,0.76,,,1999,1\n"
    "1,1,2,Women,,,,,5,,,50,9,,,51,0.52,,,,,\n"
    "1,1,2,ROE,,,,,5,0,0,50,9,0,0,51,0.52,0.6,,,2003,2\n"
    "1,2,0,Survival,IV,IV,HR,Random,0,,,0,0,,,0,0.8,,Tea,Water,,\n"
    "1,2,0,POE,,,,,0,0,0,30,0,0,0,31,0.8,0.2,,,1999,1\n"
)


def test_analysis_data_of_revman_5(tmp_path):
    _, review = imported(tmp_path, FIVE, "five.csv")
    analyses = review.table("analyses")
    assert list(analyses["title"]) == ["Cold feet", "Survival"]
    assert list(analyses["measure"]) == ["OR", "HR"]
    assert list(analyses["tau2_method"]) == ["FE", "DL"]
    assert analyses["method"].iloc[0] == "mantel_haenszel"
    outcomes = review.table("outcomes")
    assert list(outcomes["subgroup"].fillna("")) == ["Men", "Women", ""]
    assert outcomes["effect"].iloc[2] == pytest.approx(0.8)
    assert (review.intervention, review.control) == ("Tea", "Water")
    # Mantel-Haenszel by hand: sum of a d / N over sum of b c / N
    wanted = (3 * 25 / 61 + 5 * 42 / 101) / (27 * 6 / 61 + 45 * 9 / 101)
    assert pooled(review)["cold_feet"].estimate == pytest.approx(wanted)


def test_several_drugs_against_one_control_are_subgroups(tmp_path):
    text = ("Study,T.1,N.1,R.1,T.2,N.2,R.2\nPoe1999,Placebo,47,3,Tea,49,15\n"
            "Roe,Milk,62,5,Placebo,67,37\n")
    done, review = imported(tmp_path, text)
    outcomes = review.table("outcomes")
    assert list(outcomes["subgroup"]) == ["Tea", "Milk"]
    assert list(outcomes["control_events"]) == [3, 37]
    assert any("the control is “Placebo”" in line for line in done.found)


def test_domains_of_other_tools_keep_their_names(tmp_path):
    text = "Study,D1,D2,D6,Overall\nPoe 2001,Low,Serious,Moderate,Critical\n"
    done, review = imported(tmp_path, text)
    assert list(review.table("risk_of_bias")["domain"])[:3] == ["Domain 1", "Domain 2", "Domain 6"]
    assert any("Serious as high" in line for line in done.found)


ROB = "Study,D1,D2,D3,D4,D5,Overall,Weight\nPoe 2001,Low,Some concerns,Low,High,+,High,3\n"


def test_judgements_in_the_layout_of_robvis(tmp_path):
    imported(tmp_path, COUNTS)
    import_files([file(tmp_path, ROB, "rob.csv")], tmp_path / "review")
    judged = load_review(tmp_path / "review").table("risk_of_bias")
    assert list(judged["domain"]) == ["D1", "D2", "D3", "D4", "D5", "overall"]
    assert list(judged["judgement"])[:4] == ["low", "some concerns", "low", "high"]


def test_a_slip_among_judgements_is_named(tmp_path):
    (line,) = complaints(tmp_path, ROB.replace("Low,High,+", "Lwo,High,+"))
    assert "table.csv:2 D3" in line and "no judgement" in line


def test_judgements_go_to_the_outcome_that_they_name(tmp_path):
    imported(tmp_path, "study,outcome,ai,n1i,ci,n2i\nA 2001,pain,1,9,2,9\nA 2001,sleep,3,9,4,9\n")
    text = ("Study,Outcome,D1,D2,Overall\nA 2001,Pain,Low,Low,Low\nA 2001,Sleep,Low,High,High\n"
            "A 2001,Harms,High,High,High\n")
    import_files([file(tmp_path, text, "rob.csv")], tmp_path / "review")
    judged = load_review(tmp_path / "review").table("risk_of_bias")
    overall = judged[judged["domain"] == "overall"].set_index("outcome_id")["judgement"]
    assert overall.to_dict() == {"a2001-pain": "low", "a2001-sleep": "high", "a2001-harms": "high"}


def test_judgements_alone_make_a_traffic_light(tmp_path):
    done, review = imported(tmp_path, ROB, "rob.csv")
    assert any("no result here" in line for line in done.left)
    assert list(review.table("figures")["kind"]) == ["risk_of_bias"]
    assert len(review.table("risk_of_bias")) == 6


def test_a_long_list_of_results_is_named_by_a_filter():
    rows = "".join(f"Author of a long name {n},{1950 + n % 60},4,40,9,41\n" for n in range(1200))
    text = "author,year,ai,n1i,ci,n2i\n" + rows
    made = additions(read_files([("long.csv", text.encode())], Options()), Existing())
    assert made.rows["analyses"][0]["include"] == "imported_as = long"
    assert sum(row["imported_as"] == "long" for row in made.rows["outcomes"]) == 1200


def test_the_trials_of_bcg_come_out_as_printed(tmp_path):
    path = REPOSITORY / "src" / "evidence" / "starter" / "data" / "outcomes.csv"
    with path.open(encoding="utf-8", newline="") as source:
        rows = list(csv.DictReader(source))
    names = ("study", "intervention_events", "intervention_n", "control_events", "control_n")
    text = "trial,ai,n1i,ci,n2i\n" + "".join(
        ",".join(row[name] for name in names) + "\n" for row in rows)
    _, review = imported(tmp_path, text)
    (pool,) = pooled(review).values()
    assert wald(pool) == pytest.approx((0.4894, 0.3441, 0.6962), abs=5e-5)


# -- what cannot be read -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "text, words",
    [
        (b"", "empty"),
        (b"\xd0\xcf\x11\xe0rest", "old Excel"),
        (b"PK\x03\x04broken", "XLSX"),
        ("<?xml version='1.0'?>\n<COCHRANE_REVIEW>", "RevMan 5"),
        ("<xml><records><record>", "EndNote"),
        ("just words\nand more words\n", "no column of that meaning"),
        ('{"a": 1}', "no reference"),
        ("study,first,second\nPoe 2001,4,40\n", "--map"),
        (COUNTS.replace("9,41", "nine,41"), "row"),
        (COUNTS.replace("9,41", "99,41"), "more than the 41 people"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path, text, words):
    lines = complaints(tmp_path, text)
    assert any(words in line or "is not a number" in line for line in lines), lines


def test_what_is_no_file_is_named(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for name, words in (("pipe", "is no ordinary file"), ("nothing", "No such file")):
        with pytest.raises(ReviewError) as caught:
            import_files([tmp_path / name], tmp_path / "review")
        assert words in str(caught.value.problems[0])


@pytest.mark.parametrize("cell", ["1" * 100_000, "0.5 (" * 20_000, "1 " * 50_000 + "x"])
@pytest.mark.parametrize("name", ["HR (95% CI)", "yi", "Mean ± SD treatment", "n treatment"])
def test_a_cell_without_end_is_no_number(name, cell):
    with pytest.raises(ReviewError) as caught:
        read_files([("long.csv", f"Study,{name},se\nA 2001,{cell},1\n".encode())], Options())
    assert any("too long" in problem.rule or "no column" in problem.rule
               for problem in caught.value.problems)


def test_the_same_results_in_two_files_come_in_once(tmp_path):
    files = [file(tmp_path, COUNTS), file(tmp_path, COUNTS, "again.csv"),
             file(tmp_path, COUNTS.replace(",", ";"), "other.csv")]
    done = import_files(files, tmp_path / "review")
    review = load_review(tmp_path / "review")
    assert len(review.table("outcomes")) == 2 and len(review.table("analyses")) == 1
    said = "\n".join((*done.found, *done.left))
    assert "again.csv: the same as table.csv, left out" in said
    assert "other.csv, row 2: the same result of poe2001 stands there already" in said


def test_a_map_names_the_columns(tmp_path):
    text = "Who,Ev Gruppe Eins,Alle Eins,Ev Gruppe Zwei,Alle Zwei\nPoe 2001,4,40,9,41\n"
    lines = complaints(tmp_path, text)
    assert any("intervention_events" in line and "Ev Gruppe Eins" in line for line in lines)
    columns = {"Ev Gruppe Eins": "intervention_events", "Alle Eins": "intervention_n",
               "Ev Gruppe Zwei": "control_events", "Alle Zwei": "control_n", "Who": "study"}
    _, review = imported(tmp_path, text, columns=columns)
    assert review.table("outcomes")["control_n"].iloc[0] == 41


SEEDS = [COUNTS, RIS, NBIB, CSL, BIBTEX, REVMAN, ROB]
SIGNS = ['"', ",", ";", "\n", "{", "}", "\\", "$", "NA", "1e309", "-", "\x00", "\t", "1,234", "@",
         "TY  - ", "ER  - ", "[", "null", "nan", "<i>", "é", "%", "study"]  # fmt: skip


@pytest.mark.parametrize("seed", range(60))
def test_damaged_files_end_in_rows_or_problems(seed):
    chance = random.Random(seed)
    text = list(chance.choice(SEEDS))
    for _ in range(chance.choice([1, 3, 12])):
        at = chance.randrange(len(text) + 1)
        if chance.random() < 0.5:
            text[at:at] = chance.choice(SIGNS)
        else:
            del text[at : at + chance.choice([1, 4, 30])]
    try:
        found = read_files([("damaged", "".join(text).encode())], Options())
        texts = new_texts(additions(found, Existing()), Existing())
    except ReviewError as error:
        assert all(problem.rule for problem in error.problems)
    else:
        assert all(isinstance(value, str) for value in texts.values())
