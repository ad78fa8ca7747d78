"""Which figures there are, which kinds, and what the words of a template may name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import evidence.chapters  # noqa: F401  (registers its figures and facts)
from evidence.figures import KINDS, catalogue
from evidence.review import Review, ReviewError
from evidence.wording import Facts

ANYWHERE = """
Words in braces that every message, subtitle, caption and answer may name:
  {intervention}, {control}                labels of review.csv; {review.title} and its other items
  {analyses[ID].k:words}                   studies pooled, as a word (Words: with a capital)
  {analyses[ID].n:,}                       people in them
  {analyses[ID].estimate:.2f}              pooled effect; ci_low and ci_high are its limits
  {analyses[ID].default.pi_low:.2f}        prediction interval; pi_high is its other end
  {analyses[ID].i2:.0f}                    I², percent; tau2 and q stand beside it
  {analyses[ID].excludes_null:null}        "excludes" or "includes" (no difference)
  {outcomes[ID].effect:+.2f}               any cell of a row by its id; so studies, harms and others
  {census.studies:words}, {census.people}  size of the evidence
  [@key]                                   a citation of references.bib
After the colon stands how a value is written: .2f, +.1f, abs.1f, .0%, words, Words, p, list, null.
""".strip("\n")


def kind_lines() -> Iterator[str]:
    """A line for each kind of figure: its name, what it shows and what it cannot do without."""
    width = max(map(len, KINDS))
    for name, kind in sorted(KINDS.items()):
        said = " ".join((kind.content.__doc__ or "").split()).partition(". ")[0].rstrip(".")
        said = said.replace("`spec` selects", "select names").replace(
            "`spec` may select", "select may name")
        needs = [f"data/{table}.csv" for table in kind.tables]
        if kind.ids:
            needs.append(f"{kind.ids} or more ids in select")
        yield f"{name:<{width}}  {said}; needs {', '.join(needs) or 'nothing'}"


def figure_lines(review: Review, analyses: Mapping[str, Any]) -> Iterator[str]:
    """Lines on each figure of a review: name, kind, message, and the words of its own."""
    anywhere = set(Facts(review, analyses))
    for name, spec in catalogue.specs(review).items():
        try:
            figure = catalogue.build(review, analyses, name)
        except ReviewError as error:
            yield f"{name} ({spec.kind}): {error.problems[0]}"
            continue
        yield f"{name} ({spec.kind}): {figure.title}"
        own = [f"{{{word}}}" for word in figure.content.facts if word not in anywhere]
        if own:
            yield f"  words of its own: {', '.join(own)}"
