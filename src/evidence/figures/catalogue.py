"""The figures of a review, each made of its row of ``data/figures.csv``."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping
from typing import Any

import pandas as pd

import evidence.figures.kinds  # noqa: F401  (registers them)
from evidence.appraisal import offer_census, offer_ratings  # noqa: F401  (likewise)
from evidence.figures import nodata
from evidence.figures.figure import (
    KINDS,
    NAME,
    Content,
    Figure,
    Kind,
    Spec,
    UnknownIdsError,
    _impossible,
    _refused,
    footer,
)
from evidence.review import (
    NoDataError,
    Problem,
    Review,
    ReviewError,
    forest_rows,
    keys,
    made_once,
    noted,
)
from evidence.wording import Facts, MissingValueError, fill

LONGEST = {"message": 500, "subtitle": 1000, "caption": 5000}  # signs


def specs(review: Review) -> dict[str, Spec]:
    """Figures of the review by name: those of figures.csv, then forests of other analyses.

    A primary analysis that no figure selects has its forest without a row, where the review uses
    the dictionary of the package.
    """
    table = review.table("figures")
    text = table.astype("str").where(table.notna(), "")
    made = {
        row["figure"]: Spec(
            row["figure"], row["kind"], row.get("notebook", ""), tuple(keys(row.get("select"))),
            tuple(keys(row.get("thresholds"))), tuple(keys(row.get("emphasis"))), row["message"],
            row.get("subtitle", ""), row.get("caption", ""), int(index) + 2,
        )
        for index, row in text.iterrows()
    }
    for row in forest_rows(text.to_dict("records"), _analyses(review)):
        made[row["figure"]] = Spec(
            row["figure"], row["kind"], row["notebook"], (row["select"],), (), (), row["message"],
            row["subtitle"], row["caption"], 0,
        )  # fmt: skip
    return made


def _analyses(review: Review) -> list[dict[str, str]]:
    """Rows of analyses.csv as text, where its dictionary leaves figures to follow from them."""
    if not review.dictionary.is_default:
        return []
    table = review.table("analyses")
    return table.astype("str").where(table.notna(), "").to_dict("records")


@noted
def build(review: Review, analyses: Mapping[str, Any], name: str) -> Figure:
    """Compute one figure.

    Raises
    ------
    ReviewError
        When figures.csv asks for something that is not there, with its row. An absent table or
        column is no mistake: the figure then says that there are no data.
    """
    known = specs(review)
    if name not in known:
        raise ReviewError([Problem("data/figures.csv", None, "figure", name, "is not a figure",
                                   f"use one of {', '.join(known)}")])
    spec = known[name]
    if not NAME.fullmatch(name):
        raise _refused(spec, "figure", name, "is not a plain name", "use a-z, 0-9, _ and -")
    if spec.kind not in KINDS:
        raise _refused(spec, "kind", spec.kind, "is not a kind of figure",
                       f"use one of {', '.join(sorted(KINDS))}")
    if len(spec.select) < KINDS[spec.kind].ids:
        raise _refused(spec, "select", "; ".join(spec.select), "names too few",
                       f"a figure of kind {spec.kind} needs {KINDS[spec.kind].ids} or more ids")
    try:
        return _computed(review, analyses, spec, KINDS[spec.kind])
    except ReviewError:
        raise
    except NoDataError as error:
        return _without_data(review, spec, str(error))
    except UnknownIdsError as error:
        column = "select" if set(error.ids) <= set(spec.select) else "thresholds"
        raise _refused(spec, column, str(error), "is not there",
                       "mend the id, or add its row") from None
    except Exception as error:
        raise _impossible(spec, error) from error.__cause__


@made_once
def _computed(review: Review, analyses: Mapping[str, Any], spec: Spec, kind: Kind) -> Figure:
    nodata.require(review, kind.tables)
    if spec.thresholds:
        nodata.require(review, ["instruments"])
    nodata.require_columns(review, kind.columns)
    content = kind.content(review, analyses, spec)
    facts = ChainMap(dict(content.facts), Facts(review, analyses))
    title, subtitle, caption = (
        _filled(spec, column, facts) for column in ("message", "subtitle", "caption")
    )
    alt = " ".join([f"{content.what}: {subtitle.rstrip('.')}.", content.summary,
                    f"{title.rstrip('.')}."])
    return Figure(spec.name, spec.notebook, title, subtitle, caption, alt,
                   footer(review, content), content, spec)


def _filled(spec: Spec, column: str, facts: Mapping[str, Any]) -> str:
    try:
        text = fill(getattr(spec, column), facts)
    except MissingValueError as error:
        raise _refused(spec, column, "", str(error),
                       "mend the template or the table it reads") from None
    if len(text) > LONGEST[column]:
        raise _refused(spec, column, text, f"has {len(text):,} signs, {LONGEST[column]:,} are "
                       "allowed", "shorten it")  # fmt: skip
    return text


def _without_data(review: Review, spec: Spec, reason: str) -> Figure:
    """A page that says what is missing; an absent table is no mistake."""
    content = Content({}, pd.DataFrame(), "Nothing was computed", "Nothing is drawn.", "Empty page",
                      (), (), nodata.draw)
    subtitle = f"{reason[:1].upper()}{reason[1:]}."
    alt = f"{content.what}: {subtitle} {content.summary}"
    return Figure(spec.name, spec.notebook, nodata.TITLE, subtitle, subtitle, alt,
                   footer(review, content), content, spec)
