"""Who wrote a document: people and bodies, as bibliographies and databases spell them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from evidence.review.latex import decoded

OTHERS = re.compile(
    r"(?:,|;|\band\b)?\s*\b(?:et\.?\s*al|and\s+others|u\.\s?a)\b\.?\s*$", re.IGNORECASE
)
JUNIOR = {"jr": "Jr", "junior": "Jr", "sr": "Sr", "senior": "Sr", "2nd": "2nd", "3rd": "3rd",
          "4th": "4th", "5th": "5th", "ii": "2nd", "iii": "3rd", "iv": "4th"}  # fmt: skip
_PARTICLES = (
    "van von de der den del della delle degli dei di da das dos do du des la le el al ten ter te"
    " ver zu zum zur vom af av bin ibn ben abu van't 't in't op"
)
PARTICLES = frozenset(_PARTICLES.split())
BODY = re.compile(
    r"\b(?:groups?|collaborat(?:ion|ive|ors)|investigators?|trialists?|networks?|consortium"
    r"|committee|organi[sz]ations?|societ(?:y|ies)|associations?|institutes?|agency|ministry"
    r"|department|university|foundation|council|federation|initiative|administration|commission"
    r"|authority|task force|panel|registry|register|programme|corporation|compan(?:y|ies)|alliance"
    r"|hospitals?|cent(?:er|re)s?|academy|team|board of|bureau of|office of|inc|ltd|llc|gmbh|plc"
    r"|grp|collab"
    r"|gruppe|gesellschaft|institut|verein|verband|bundes\w+|minist[eè]re|minister\w*|soci[eé]t[eé]"
    r"|groupe|comit[eé]"
    r"|grupo|sociedad|instituto|universi\w+|fondazione|istituto|fundaci[oó]n|organisation mondiale"
    r"|united nations|library|laborator(?:y|ies)|clinic)\b", re.IGNORECASE
)  # fmt: skip
OF_BODIES = re.compile(r"(?<!^)\b(?:of|for|the|on behalf)\b|^the\b", re.IGNORECASE)
KEYED = re.compile(r"(?:^|,)\s*(family|given|prefix|suffix)\s*=\s*([^,]+)")  # of BibLaTeX
DEGREE = re.compile(
    r"(?:M\.?D|Ph\.?D|D\.?Phil|Dr|Prof|MPH|M\.?Sc|B\.?Sc|MBBS|MS|MA|DO|RN|FRCP)\.?"
)
CAPITALS = re.compile(r"[A-ZÀ-ÖØ-Þ](?:\.?-?[A-ZÀ-ÖØ-Þ]){0,2}\.?")


@dataclass(frozen=True, slots=True)
class Name:
    """A person, or a body whose whole name stands in `family`."""

    family: str
    given: str = ""
    suffix: str = ""

    @property
    def initials(self) -> str:
        """First letters of the given names, as Vancouver style prints them."""
        given = self.given.strip()
        if re.fullmatch(r"[^\W\d_]{2,4}", given) and given.isupper():
            return given
        return "".join(part[0] for part in re.split(r"[\s.‐-]+", given) if part)

    @property
    def vancouver(self) -> str:
        """Such as ``King ML Jr``.

        Examples
        --------
        >>> Name("King", "Martin Luther", "Jr").vancouver
        'King ML Jr'
        """
        return " ".join(part for part in (self.family, self.initials, self.suffix) if part)


@dataclass(frozen=True, slots=True)
class People:
    """Names of a field in their order; `others` when the list says that there are more.

    `remark` is empty, or says how a list was read that is not spelt as BibTeX wants it.
    """

    names: tuple[Name, ...]
    others: bool = False
    remark: str = ""


def read_names(field: str) -> People:
    """People and bodies of an ``author`` or ``editor`` field.

    Parameters
    ----------
    field : str
        Raw value: names with ``and`` between them. Also read are names as PubMed writes them
        (``Hill AB``), lists with semicolons or commas between such names, and ``et al.``.

    Examples
    --------
    >>> people = read_names("Hill AB and Berg, Jan van der and EXAMPLE Group and others")
    >>> [name.vancouver for name in people.names], people.others
    (['Hill AB', 'van der Berg J', 'EXAMPLE Group'], True)
    """
    field = " ".join(field.split()).strip(" ,;")
    if not field:
        return People(())
    whole = _unbraced(field)
    if whole is not None and _is_list(whole):
        field = whole
    people = [part for part in split(field, "and") if part]
    others = bool(people) and people[-1].lower() in ("others", "{others}")
    people = people[: -1 if others else None]
    if people and not others and _unbraced(people[-1]) is None:
        shorter = OTHERS.sub("", people[-1]).strip(" ,;")
        others = shorter != people[-1].strip(" ,;")
        people = people[:-1] + ([shorter] if shorter else [])
    remark = ""
    if any(_unbraced(one) is None and ";" in split_free(one) for one in people):
        people = [part for one in people for part in split(one, ";") if part]
        remark = "has semicolons between the names"
    elif any(_is_comma_list(one) for one in people):
        people = [part for one in people
                  for part in (split(one, ",") if _is_comma_list(one) else [one])]  # fmt: skip
        remark = "has commas between the names"
    people = _rejoined(people)
    reversed_ = _is_pubmed(people)
    names = []
    for person in people:
        name = _name(person, reversed_)
        if name is None:
            name = Name(decoded(person))
            remark = remark or f"holds a name that is not clear: {decoded(person)}"
        if name.family:
            names.append(name)
    return People(tuple(names), others, remark)


def split(text: str, separator: str) -> list[str]:
    """Parts of `text` between separators that stand outside braces; a word needs spaces."""
    parts, depth, start, at = [], 0, 0, 0
    wide = f" {separator} " if separator.isalpha() else separator
    while at < len(text):
        sign = text[at]
        if sign in "{}" and text[at - 1 : at] != "\\":
            depth += 1 if sign == "{" else -1
        elif depth <= 0 and text[at : at + len(wide)].lower() == wide:
            parts.append(text[start:at].strip())
            start = at + len(wide)
            at = start - (1 if separator.isalpha() else 0)
            continue
        at += 1
    return [*parts, text[start:].strip()]


def split_free(text: str) -> str:
    """What stands outside every brace."""
    depth, out = 0, []
    for position, sign in enumerate(text):
        if sign in "{}" and text[position - 1 : position] != "\\":
            depth += 1 if sign == "{" else -1
        elif depth == 0:
            out.append(sign)
    return "".join(out)


def _unbraced(text: str) -> str | None:
    """The inside of one pair of braces around the whole text, None where there is none."""
    text = text.strip()
    if not (text.startswith("{") and text.endswith("}")):
        return None
    depth = 0
    for position, sign in enumerate(text):
        if sign in "{}" and text[position - 1 : position] != "\\":
            depth += 1 if sign == "{" else -1
            if depth == 0:
                return text[1:-1].strip() if position == len(text) - 1 else None
    return None


def _is_list(text: str) -> bool:
    """Whether the inside of braces is a list of people after all: each "Family, Given"."""
    parts = split(text, "and")
    return len(parts) > 1 and all(
        re.fullmatch(r"[^,]+,[^,]+", part) and len(part.split(",")[1].split()) <= 3
        and not BODY.search(part) for part in parts if part.lower() != "others"
    )  # fmt: skip


def _is_comma_list(person: str) -> bool:
    """Whether commas stand between names as PubMed writes them, such as ``Hill AB, Dale CD``."""
    parts = split(person, ",")
    return len(parts) > 1 and all(_pubmed_parts(part) for part in parts)


def _rejoined(people: list[str]) -> list[str]:
    """Bodies whose own ``and`` was taken for the end of a name, such as a centre for A and B."""
    out: list[str] = []
    for person in people:
        before = out[-1] if out else ""
        lone = "," not in person and "{" not in person and len(person.split()) <= 2
        body = before and "{" not in before and lone and not _pubmed_parts(person)
        first = before.split(",")[0]
        if body and (
            (OF_BODIES.search(first) and _is_body(first)
             and (len(person.split()) == 1 or _is_body(person)))
            or (len(people) == 2 and "," not in before and not _pubmed_parts(before)
                and len(before.split()) <= 3 and len(person.split()) == 2 and _is_body(person))
        ):  # fmt: skip
            out[-1] = f"{before} and {person}"
        else:
            out.append(person)
    return out


def _is_body(text: str) -> bool:
    return bool(BODY.search(text) or OF_BODIES.search(text))


def _pubmed_parts(person: str) -> tuple[str, str, str] | None:
    """Family name, initials and suffix of a name such as ``van der Berg JH Jr``."""
    words = decoded(person).split()
    suffix = ""
    if (len(words) > 2 and words[-1].strip(".").lower() in JUNIOR
            and not CAPITALS.fullmatch(words[-1])):  # fmt: skip
        suffix = JUNIOR[words.pop().strip(".").lower()]
    if len(words) < 2 or not CAPITALS.fullmatch(words[-1]):
        return None
    family = words[:-1]
    if any(CAPITALS.fullmatch(word) for word in family) or any("." in word for word in family):
        return None
    if not any(len(word) > 1 and word[0].isupper() for word in family):
        return None
    return " ".join(family), words[-1].replace(".", ""), suffix


def _is_pubmed(people: list[str]) -> bool:
    """Whether names without commas have their initials behind: judged over the whole list."""
    plain = [
        one for one in people
        if "," not in split_free(one) and _unbraced(one) is None and not _is_body(one)
    ]  # fmt: skip
    if not plain:
        return False
    fitting = sum(_pubmed_parts(one) is not None for one in plain)
    ends = [re.sub(r"[.-]", "", one.split()[-1]) for one in plain]
    shouted = sum(end.isupper() and len(end) > 3 for end in ends)
    return fitting > 0 and not shouted and 2 * fitting >= len(plain)


def _name(person: str, pubmed: bool) -> Name | None:
    """One name; None where it cannot be told apart."""
    inside = _unbraced(person)
    if inside is not None:
        return Name(decoded(inside))
    keyed = {part: decoded(value) for part, value in KEYED.findall(person)}
    if keyed.get("family"):
        family = f"{keyed.get('prefix', '')} {keyed['family']}".strip()
        return _person(family, keyed.get("given", ""), keyed.get("suffix", ""))
    parts = [decoded(part) for part in split(person, ",")]
    while len(parts) > 1 and not parts[-1]:
        parts.pop()
        if len(parts) == 1:  # a comma behind marks a body
            return Name(parts[0])
    if len(parts) == 1:
        return _without_comma(person, parts[0], pubmed)
    if len(parts) == 2:
        family, given = parts
        if _suffix(given) and " " not in given:  # "King, Jr"
            return Name(family, "", JUNIOR[given.strip(".,").lower()])
        body = BODY.fullmatch(family) or family.lower().endswith(" group")
        if body and not _is_initials(given):
            return Name(f"{given} {family}")
        if BODY.search(family) and (BODY.search(given) or OF_BODIES.search(family)):
            return Name(f"{family}, {given}")
        return _person(family, given)
    if len(parts) == 3:
        for junior, given in ((parts[1], parts[2]), (parts[2], parts[1])):
            if junior.strip(".").lower() in JUNIOR:
                return _person(parts[0], given, JUNIOR[junior.strip(".").lower()])
        if DEGREE.fullmatch(parts[2]):
            return _person(parts[0], parts[1])
    if _is_body(" ".join(parts)):
        return Name(", ".join(parts))
    return None


def _without_comma(raw: str, text: str, pubmed: bool) -> Name | None:
    words = text.split()
    if len(words) < 2:
        return Name(text)
    if _is_body(text):
        return Name(text)
    found = _pubmed_parts(raw) if pubmed else None
    if found:
        family, given, suffix = found
        return Name(family, given, suffix)
    suffix = ""
    if len(words) > 2 and _suffix(text):
        suffix = JUNIOR[words.pop().strip(".,").lower()]
    first = len(words) - 1
    braced = re.search(r"\{([^{}\\]*\s[^{}\\]*)\}\s*$", raw)
    if braced:  # a family name of several words, kept together by braces
        first = max(1, len(words) - len(braced[1].split()))
    while first > 1 and (words[first - 1].lower() in PARTICLES or (
            words[first - 1].islower() and len(words[first - 1]) > 1)):  # fmt: skip
        first -= 1
    return Name(" ".join(words[first:]), " ".join(words[:first]), suffix)


def _person(family: str, given: str, suffix: str = "") -> Name:
    """A person with suffixes and dropped particles put where they belong."""
    given_words, family_words = given.split(), family.split()
    if not suffix and len(given_words) > 1 and _suffix(given):
        suffix = JUNIOR[given_words.pop().strip(".,").lower()]
    if not suffix and len(family_words) > 1 and _suffix(family):
        suffix = JUNIOR[family_words.pop().strip(".,").lower()]
    particles: list[str] = []
    while len(given_words) > 1 and given_words[-1] in PARTICLES:
        particles.insert(0, given_words.pop())
    return Name(" ".join([*particles, *family_words]), " ".join(given_words).strip(","), suffix)


def _suffix(text: str) -> bool:
    word = text.split()[-1].strip(".,").lower() if text.split() else ""
    return word in JUNIOR


def _is_initials(text: str) -> bool:
    return bool(re.fullmatch(r"(?:[^\W\d_]\.?[\s-]*){1,3}", text)) and len(text) < 4
