"""What the reader of BibTeX accepts, remarks on, refuses, decodes and cites."""

from pathlib import Path

import pytest

from evidence.review.bibliography import Bibliography, read_bibliography
from evidence.review.problems import ReviewError

GOOD = "@article{smith2020,\n  title = {A title},\n  year = {2020},\n  doi = {10.1000/182},\n}\n"


def read(tmp_path: Path, text: str | bytes) -> Bibliography:
    path = tmp_path / "references.bib"
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
    return read_bibliography(path)[0]


def complaints(tmp_path: Path, text: str | bytes) -> list[str]:
    with pytest.raises(ReviewError) as caught:
        read(tmp_path, text)
    return [str(problem) for problem in caught.value.problems]


def entry(fields: str, key: str = "smith2020", before: str = "") -> str:
    return f"{before}@article{{{key},\n{fields}\n}}\n"


REFUSED = {
    "missing comma": (entry("title = {A}\nyear = {2020},"), ["2 title", "comma"]),
    "missing comma after digits": (entry("title = {A},\nyear = 2020\ndoi = {10.1000/1},"),
                                   ["3 year", "comma"]),
    "missing comma after quotes": (entry('title = "A"\nyear = "2020",'), ["2 title", "comma"]),
    "missing comma after the key": ("@article{smith2020\ntitle = {A},\n}\n", ["1", "cannot be"]),
    "no closing brace": (GOOD.rstrip("}\n") + "\n\n" + GOOD.replace("smith", "jones"), ["1"]),
    "no closing brace at the end": (GOOD.rstrip().rstrip("}"), ["1", "cannot be read"]),
    "brace never closed": (entry("title = {A {B},\nyear = {2020},"), ["1", "cannot be read"]),
    "brace too many": (entry("title = {A B}},\nyear = {2020},"), ["2", "not part of any entry"]),
    "quote never closed": (entry('title = "A,\nyear = {2020},'), ["1", "cannot be read"]),
    "equal sign missing": (entry("title {A},\nyear = {2020},"), ["1", "cannot be read"]),
    "key twice": (GOOD + GOOD, ["6 key: 'smith2020'", "twice"]),
    "key twice but for capitals": (GOOD + GOOD.replace("smith", "Smith"), ["6 key", "capitals"]),
    "field twice": (entry("title = {A},\ntitle = {B},"), ["3 title", "twice"]),
    "field twice but for capitals": (entry("title = {A},\nTitle = {B},"), ["3 Title", "twice"]),
    "no key": (entry("title = {A},", key=""), ["1 key", "has no key"]),
    "words instead of a value": (entry("title = A new title,"), ["2 title", "braces"]),
    "missing comma after a month": (entry("title = {A},\nmonth = mar\nyear = {2020},"),
                                    ["3 month", "comma"]),
    "missing comma after a macro": (entry("title = {A},\njournal = jt # { x}\nyear = 2020,"),
                                    ["3 journal", "comma"]),
    "ends with a hash": (entry("title = {A} #,"), ["2 title", "#"]),
    "field outside": ("year = {2020},\n" + GOOD, ["1", "'year = {2020},'", "not part of"]),
    "title missing": (entry("year = {2020},"), ["1 title", "missing"]),
    "title empty": (entry("title = {},"), ["2 title", "empty"]),
    "Latin-1": (GOOD.replace("A title", "Sjögren").encode("latin-1"), ["2", "Sjögren", "UTF-8"]),
    "UTF-16": (GOOD.encode("utf-16"), ["UTF-8"]),
    "UTF-16 without mark": (GOOD.encode("utf-16-le"), ["UTF-8"]),
    "empty": ("", ["empty"]),
    "comments only": ("@comment{nothing yet}\n", ["no reference"]),
}  # fmt: skip


@pytest.mark.parametrize("text, words", REFUSED.values(), ids=REFUSED)
def test_refuses_once_with_line_and_advice(tmp_path, text, words):
    found = complaints(tmp_path, text)
    assert len(found) == 1, found
    assert found[0].startswith("references.bib")
    for word in words:
        assert word in found[0]


def test_missing_file(tmp_path):
    with pytest.raises(ReviewError, match="missing"):
        read_bibliography(tmp_path / "references.bib")


def test_lists_every_problem_in_the_order_of_the_file(tmp_path):
    entries = [entry("title = {A},\ntitle = {B},", key=f"k{2000 + i}") for i in range(50)]
    found = complaints(tmp_path, "".join(entries) + entry("title = {A}\nyear = {2020},") * 50)
    assert len(found) == len(set(found)) == 100
    lines = [int(text.split(":")[1].split()[0]) for text in found]
    assert lines == sorted(lines)


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        "\ufeff" + GOOD,
        GOOD.replace("\n", "\r\n"),
        "% Encoding: UTF-8\n\n" + GOOD + "@comment{kept}\n",
        GOOD.replace("{A title}", '"A title"').replace("{2020}", "2020"),
        GOOD.replace("@article{smith2020", "@ARTICLE { smith2020 "),
        GOOD.replace("{A title}", '"A {"}title{"}"').replace('{"}', ""),
        GOOD.replace("year =", "YEAR ="),
        GOOD.replace("smith2020", "NCT00568555").replace("{2020}", "{2007}"),
        GOOD.replace("smith2020", "CTRI/2013/06/003735").replace("year = {2020},", ""),
        "Written by a program.\nDo not edit.\n\n" + GOOD + "as discussed\n",
        "@preamble{{x}}\n@string{pain = {Pain}}\n" + GOOD.replace("year", "journal = pain,\nyear"),
        GOOD.replace("@article{smith2020", "@article(smith2020").replace("182},\n}", "182})"),
        GOOD.replace("@article{", "@ article\n{"),
        GOOD.replace("year = {2020}", "year = 2020, month = jul, month = jul"),
        GOOD.replace("year = {2020}", "keywords = {a}, keywords = {b}"),
    ],
)
def test_accepts(tmp_path, text):
    bibliography = read(tmp_path, text)
    assert [reference["title"] for reference in bibliography.references.values()] == ["A title"]


REMARKS = {
    "key with a space": (entry("title = {A},", key="smith 2020"), "keeps tables from naming"),
    "doi with a space": (entry("title = {A},\ndoi = {10.1000/a b},"), "is not a DOI"),
    "two dois": (entry("title = {A},\ndoi = {10.1000/a, 10.1000/b},"), "holds 2 DOIs"),
    "pmid of letters": (entry("title = {A},\npmid = {none},"), "not a PubMed number"),
    "year of another key": (entry("title = {A},\nyear = {2019},"), "differs from the year in"),
    "year of two digits": (entry("title = {A},\nyear = {'20},"), "is read as 2020"),
    "day that no month has": (entry("title = {A},\ndate = {2020-02-30},"), "is no date"),
    "month thirteen": (entry("title = {A},\ndate = {2020-13-45},"), "holds 2020-13-45"),
    "end of a range": (entry("title = {A},\ndate = {2020-05/2020-14},"), "holds 2020-14"),
    "year in words": (entry("title = {A},\nyear = {last},"), "is not a year"),
    "bare word": (entry("title = {A},\njournal = jn,"), "known abbreviation"),
    "value missing": (entry("title = {A},\nyear = ,"), "has no value"),
    "names by commas": (entry("title = {A},\nauthor = {Smith J, Jones K, Brown L},"), "commas"),
    "names by semicolons": (entry("title = {A},\nauthor = {Smith, J; Jones, K},"), "semicolons"),
    "unknown macro": (entry("title = {A \\strange title},"), "\\strange"),
    "parent missing": (entry("title = {A},\ncrossref = {gone},"), "no entry of this file"),
    "title missing": (entry("doi = {10.1000/1},"), "is missing"),
}


@pytest.mark.parametrize("text, words", REMARKS.values(), ids=REMARKS)
def test_what_is_odd_but_usable_is_a_remark(tmp_path, text, words):
    path = tmp_path / "references.bib"
    path.write_text(text, encoding="utf-8")
    bibliography, warnings = read_bibliography(path)
    assert len(bibliography) == 1
    assert sum(words in str(warning) for warning in warnings) == 1
    assert all(warning.is_warning for warning in warnings)


def test_a_date_that_is_none_has_one_remark(tmp_path):
    path = tmp_path / "references.bib"
    for field in ("year = {last}", "date = {0000-00-00}"):
        path.write_text(entry(f"title = {{A}},\n{field},\ndoi = {{10.1000/1}},"), "utf-8")
        _, remarks = read_bibliography(path)
        assert [remark.rule for remark in remarks] == ["is not a year"]
    for field in ("date = {2020-21}", "date = {2020-05-02/2020-06}", "date = {2020~}"):
        path.write_text(entry(f"title = {{A}},\n{field},\ndoi = {{10.1000/1}},"), "utf-8")
        assert read_bibliography(path)[1] == []


KEYS = ["müller2011", "effect:_2011", "DBLP:journals/corr/abs-1910-01108", "2020ApJ...123..985D",
        "10.1000/182", "smith-2020+b"]  # fmt: skip


@pytest.mark.parametrize("key", KEYS)
def test_a_key_is_only_a_name(tmp_path, key):
    path = tmp_path / "references.bib"
    path.write_text(entry("title = {A},\nyear = {2014},\ndoi = {10.1000/1},", key=key), "utf-8")
    bibliography, warnings = read_bibliography(path)
    assert key in bibliography
    assert not [w for w in warnings if "differs" not in w.rule]
    assert bool(warnings) == (key == "müller2011")


def test_macros_are_expanded_and_joined(tmp_path):
    text = ('@string{jt = "Journal of Tea"}\n@string{both = jt # { and Milk}}\n'
            + entry("title = {A},\njournal = both # {, B},\nmonth = mar,\nyear = 2020,"))
    assert read(tmp_path, text)["smith2020"]["journal"] == "Journal of Tea and Milk, B"


@pytest.mark.parametrize(
    "fields, year",
    [
        ("date = {2019-05-02},", "2019"), ("date = {2019/2020},", "2019"),
        ("year = {2019b},", "2019"), ("year = {May 2019},", "2019"),
        ("year = {in press},", "in press"), ("pubstate = {inpress},", "in press"),
        ("year = {to appear},", "in press"), ("urldate = {2019-05-02},", ""),
    ],
)  # fmt: skip
def test_the_year_is_where_a_date_stands(tmp_path, fields, year):
    text = entry(f"title = {{A}},\nauthor = {{Poe, A}},\n{fields}", key="k")
    reference = read(tmp_path, text)["k"]
    assert reference.year == year
    assert reference.label == f"Poe {year or 'n.d.'}"


def test_names_of_biblatex(tmp_path):
    fields = ("title = {A},\nauthor = {Poe, A},\njournaltitle = {Tea},\nissue = {3},\nvolume = {4},"
              "\ndate = {2019},\neprint = {2101.00001},\neprinttype = {arxiv},")
    reference = read(tmp_path, entry(fields, key="k"))["k"]
    assert reference.vancouver == "Poe A. A. Tea. 2019;4(3)."
    assert reference.link == "https://arxiv.org/abs/2101.00001"


def test_entries_inherit(tmp_path):
    text = """
@inproceedings{part, author = {Poe, A}, title = {Part}, crossref = {whole}}
@proceedings{whole, title = {Whole}, year = {2018}, doi = {10.1000/whole}, xdata = {press}}
@xdata{press, publisher = {Press}, year = {1999}}
@article{one, title = {One}, crossref = {other}}
@article{other, title = {Other}, crossref = {one}, year = {2001}}
"""
    bibliography = read(tmp_path, text)
    part = bibliography["part"]
    assert (part.label, part["booktitle"], part["publisher"]) == ("Poe 2018", "Whole", "Press")
    assert part.link == ""
    assert "press" not in bibliography
    assert bibliography["one"].year == "2001"


@pytest.mark.parametrize(
    "written, link",
    [
        ("10.1000/(SICI)10(1999)22:3<26::AID-X>3.0.CO;2-A",
         "10.1000/(SICI)10(1999)22:3%3C26::AID-X%3E3.0.CO;2-A"),
        ("https://doi.org/10.1000/a.b", "10.1000/a.b"),
        ("http://dx.doi.org/10.1000%2Fa", "10.1000/a"),
        ("doi: 10.1000/a", "10.1000/a"),
        ("10.1000/a#b?c", "10.1000/a%23b%3Fc"),
        (r"10.1000/9-3\_1{\_}2", "10.1000/9-3_1_2"),
        (r"10.1000/x$<$y{\textgreater}z", "10.1000/x%3Cy%3Ez"),
    ],
)
def test_forms_of_a_doi(tmp_path, written, link):
    reference = read(tmp_path, entry(f"title = {{A}},\ndoi = {{{written}}},"))["smith2020"]
    assert reference.link == f"https://doi.org/{link}"


def test_addresses_are_unescaped(tmp_path):
    fields = r"title = {A}, url = {https://example.org/a\_b--c\%20d~e?x=1\&copy=2},"
    reference = read(tmp_path, entry(fields))["smith2020"]
    assert reference.link == "https://example.org/a_b--c%20d~e?x=1&copy=2"


def test_line_ends_do_not_move_lines(tmp_path):
    for end in ("\n", "\r\n", "\r"):
        text = (GOOD + GOOD.replace("smith", "jones")).replace("\n", end)
        assert read(tmp_path, text)["jones2020"].line == 6


def test_decodes_latex_in_words_only(tmp_path):
    reference = read(tmp_path, entry(
        'title = {{\\"O}sophagus \\& 50% of {TNF-$\\alpha$} in~vivo, 5\\% more},\n'
        "author = {{\\O}stg{\\aa}rd, {\\'E}mile and {World Health Organization \\& Co}},\n"
        "journal = {Brain \\& Behavior},\n"
        "url = {https://example.org/a%20b_c~d},\n"
        "note = {50% of those \\& more},"
    ))["smith2020"]  # fmt: skip
    assert reference["title"] == "Ösophagus & 50% of TNF-α in vivo, 5% more"
    assert reference["journal"] == "Brain & Behavior"
    assert reference["url"] == "https://example.org/a%20b_c~d"
    assert reference["note"] == "50% of those \\& more"
    families = [name.family for name in reference.authors]
    assert families == ["Østgård", "World Health Organization & Co"]
    assert reference.authors[0].initials == "É"


@pytest.mark.parametrize(
    "author, label",
    [
        ("Parkitny, Luke and Younger, Jarred", "Parkitny & Younger 2020"),
        ("Younger, Jarred", "Younger 2020"),
        ("A, B and C, D and E, F", "A et al. 2020"),
        ("A, B and others", "A et al. 2020"),
        ("{World Health Organization}", "World Health Organization 2020"),
        ("van der Berg, Jan", "van der Berg 2020"),
        ("", "Pain 2020"),
    ],
)
def test_short_citation(tmp_path, author, label):
    names = f"author = {{{author}}}," if author else ""
    fields = f"title = {{A}},\nyear = {{2020}},\njournal = {{Pain}},\n{names}"
    assert read(tmp_path, entry(fields)).cite("smith2020") == label


def test_equal_citations_are_told_apart_by_letters(tmp_path):
    fields = "title = {A},\nyear = {2020},\nauthor = {Smith, J},"
    keys = [f"smith2020{chr(97 + i // 10)}{i % 10}" for i in range(30)]
    bibliography = read(tmp_path, "".join(entry(fields, key=key) for key in keys))
    labels = [bibliography.cite(key) for key in sorted(keys)]
    assert labels[:2] == ["Smith 2020a", "Smith 2020b"]
    assert labels[26] == "Smith 2020aa"
    assert len(set(labels)) == 30
    with pytest.raises(KeyError, match="nobody2020"):
        bibliography.cite("nobody2020")


def test_vancouver(tmp_path):
    fields = (
        "title = {Does it work?},\nyear = {2020},\njournal = {Pain},\nvolume = {3},\nnumber = {2},"
        "\npages = {10--19},\nauthor = {A, B C and D, Eva-Fay and G, H and I, J and K, L and M, N"
        " and O, P},\ndoi = {10.1000/1},"
    )
    reference = read(tmp_path, entry(fields))["smith2020"]
    assert reference.vancouver == (
        "A BC, D EF, G H, I J, K L, M N, et al. Does it work? Pain. 2020;3(2):10–19."
    )
    assert reference.link == "https://doi.org/10.1000/1"
    retracted = read(tmp_path, entry(fields + "\nretracted = {true},"))["smith2020"]
    assert retracted.vancouver.startswith("[Retracted] ")


def test_warns_of_what_a_reader_could_not_find_or_check(tmp_path):
    path = tmp_path / "references.bib"
    path.write_text(entry("title = {A},\nunverified = {pages; volume},"), encoding="utf-8")
    bibliography, warnings = read_bibliography(path)
    assert bibliography["smith2020"].unverified == ("pages", "volume")
    assert [w.rule for w in warnings] == [
        "has no doi, pmid, registry id or url", "has no year", "fields that nobody has checked",
    ]  # fmt: skip
    assert all(w.is_warning and w.row == 1 for w in warnings)


def test_listing_is_sorted_and_holds_each_key_once(tmp_path):
    bibliography = read(tmp_path, GOOD + GOOD.replace("smith", "jones"))
    listed = bibliography.listing(["smith2020", "jones2020", "smith2020"])
    assert [reference.key for reference in listed] == ["jones2020", "smith2020"]
