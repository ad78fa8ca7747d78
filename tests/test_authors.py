"""Who wrote a document, as bibliographies, databases and people spell it."""

import pytest

from evidence.review.authors import read_names


def vancouver(field):
    return [name.vancouver for name in read_names(field).names]


@pytest.mark.parametrize(
    "field, expected",
    [
        (r"{\'E}toile, Ren{\'e} and {Poe}, {E. A.}", ["Étoile R", "Poe EA"]),
        ("Luther, Jr., Martin Q. and Doe, Jane Sr and Roe, A. B. IV",
         ["Luther MQ Jr", "Doe J Sr", "Roe AB 4th"]),
        ("Martin Q. Luther Jr.", ["Luther MQ Jr"]),
        ("Poe EA and Nguyen T", ["Poe EA", "Nguyen T"]),
        ("van den Heuvel PQ and O'Neill S Jr", ["van den Heuvel PQ", "O'Neill S Jr"]),
        ("Park S-H and Dupont JP", ["Park SH", "Dupont JP"]),
        ("Anna Maria de las Casas", ["de las Casas AM"]),
        ("Beek, Jan ter", ["ter Beek J"]),
        ("Maria De Luca", ["De Luca M"]),
        ("Ludwig {van Bergen}", ["van Bergen L"]),
        ("Mei CHEN and Bo ZHANG", ["CHEN M", "ZHANG B"]),
        ("Sartre, J.-P.", ["Sartre JP"]),
        ("McDonald, A and {MacX}, B", ["McDonald A", "MacX B"]),
        ("{Tea Study Group}", ["Tea Study Group"]),
        (r"{\'{E}tude du th\'e} and {\$x\$ of tea}", ["Étude du thé", "$x$ of tea"]),
        (r"{\'{E}}mile {\'{E}t{\'e}}", ["Été É"]),
        ("Tea Collaborative Group", ["Tea Collaborative Group"]),
        ("Group, Tea Collaborative", ["Tea Collaborative Group"]),
        ("World Tea Organisation and Poe, Ann", ["World Tea Organisation", "Poe A"]),
        ("Centre for Tea Control and Prevention", ["Centre for Tea Control and Prevention"]),
        ("Ministry of Tea, Labour and Welfare", ["Ministry of Tea, Labour and Welfare"]),
        ("{Poe, Ann and Roe, Bo}", ["Poe A", "Roe B"]),
        ("{Ministry of Tea and Milk}", ["Ministry of Tea and Milk"]),
        ("Poe, Ann, MD", ["Poe A"]),
    ],
)
def test_people_and_bodies(field, expected):
    assert vancouver(field) == expected
    assert not read_names(field).remark


@pytest.mark.parametrize(
    "field, expected, word",
    [
        ("Poe, A; Roe, B", ["Poe A", "Roe B"], "semicolons"),
        ("Poe A, Roe BC, Doe D", ["Poe A", "Roe BC", "Doe D"], "commas"),
        ("P, Q, R, S, T", ["P, Q, R, S, T"], "not clear"),
    ],
)
def test_other_lists_are_read_with_a_remark(field, expected, word):
    assert vancouver(field) == expected
    assert word in read_names(field).remark


@pytest.mark.parametrize("end", [" and others", " et al.", ", et al", " and et al."])
def test_more_authors_than_are_named(end):
    people = read_names(f"Poe, Ann{end}")
    assert people.others
    assert [name.family for name in people.names] == ["Poe"]
