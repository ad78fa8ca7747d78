"""Figures of a reader's own choice: the landscape of some studies, a forest plot of some rows."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd

import evidence.chapters  # noqa: F401  (registers its figures and facts)
from evidence.figures import Figure, catalogue, export
from evidence.notebook.selection import Filter, choose
from evidence.pooling import DEFAULT_RULE, METHOD_MEASURES, Pool, outcome_effects, synthesise
from evidence.review import (
    MEASURE_WORDS,
    POOLING_WORDS,
    Problem,
    Review,
    ReviewError,
    Tables,
    primary_studies,
)
from evidence.storage import write_bytes
from evidence.wording import joined

FOLDER = "figures/custom"
Deck = Callable[..., bytes]
BASIS_WORDS = {
    "reported": "Only effects that a report gives are taken.",
    "arms": "Only effects worked out from the two arms are taken.",
}


def landscape(review: Review, wanted: Filter) -> Figure | None:
    """The landscape of the chosen studies; None when no primary study with a year is chosen."""
    chosen = choose(review, wanted)
    drawn = primary_studies(chosen[chosen["year"].notna()])
    if drawn.empty:
        return None
    studies = review.table("studies")
    total = len(primary_studies(studies))
    return _figure(review, {}, "landscape", {
        "studies": studies[studies["study"].isin(chosen["study"])],
    }, {
        "message": f"{{n_studies}} of {total} primary studies: {_plain(wanted.words(review))}",
        "subtitle": "Chosen studies by year and condition; area shows the number of people",
    })


def pooled(
    rows: pd.DataFrame, measure: str, method: str = "REML",
    rule: str = DEFAULT_RULE, title: str = "", basis: str = "auto", scale: str = "",
) -> Pool:
    """An analysis of chosen rows.

    Parameters
    ----------
    rows : DataFrame
        Rows of `evidence.notebook.selection.measurable`.
    measure, method, rule : str
        See `evidence.pooling.synthesis.synthesise`.
    title : str
        What the rows measure; their families by default.
    basis, scale : str
        See `evidence.pooling.effects.outcome_effects`.

    Raises
    ------
    ReviewError
        When nothing is chosen, or higher is worse in some rows and better in others.
    """
    if rows.empty:
        raise _refused("nothing is chosen", "choose at least one result")
    counted = method in POOLING_WORDS
    if counted and measure not in METHOD_MEASURES[method]:
        words = {name: text.lower() for name, text in MEASURE_WORDS.items()}
        allowed = joined((words[name] for name in METHOD_MEASURES[method]), "or")
        raise _refused(f"this estimator does not pool a {words[measure]}",
                       f"choose {allowed}, or another estimator")
    scale = scale if measure == "GEN" else ""
    how = {"method": method} if counted else {"tau2_method": method, "interval_rule": rule}
    effects = outcome_effects(rows, measure, basis, scale=scale,
                              method=how.get("method", "inverse_variance"))
    if len(set(effects.loc[effects["included"], "higher_is"]) - {""}) > 1:
        raise _refused("higher is worse in some rows and better in others",
                       "choose rows of one direction")
    title = title or "; ".join(dict.fromkeys(rows["family"]))
    return synthesise(effects, measure=measure, name="own", title=title, role="exploratory",
                      basis=basis, scale=scale, **how)


def _refused(rule: str, advice: str) -> ReviewError:
    return ReviewError([Problem("Own forest plot", None, "", "", rule, advice)])


def forest(review: Review, pool: Pool, name: str = "own_forest") -> Figure:
    """The forest plot of an analysis of one's own."""
    words = pool.measure_words
    title = pool.title[:1].upper() + pool.title[1:]
    subtitle = f"{title}: {words[0].lower()}{words[1:]}, " \
               f"{review.intervention} against {review.control}. Rows chosen by a reader"
    return _figure(review, {"own": pool}, "forest_page", {}, {
        "figure": name, "select": "own", "message": _message(pool), "subtitle": _plain(subtitle),
    })


def arms(review: Review, rows: pd.DataFrame, wanted: str) -> Figure:
    """What the rows report in both arms, for results that cannot be pooled.

    Parameters
    ----------
    wanted : str
        What was asked for, in words.
    """
    return _figure(review, {}, "arms", {}, {
        "figure": "own_arms", "select": ";".join(rows.index),
        "message": "Nothing can be pooled: {trials_words}, arm by arm",
        "subtitle": _plain(f"What each result reports: {wanted}"),
    })


def _message(pool: Pool) -> str:
    null = "1" if pool.is_ratio else "zero"
    if pool.k == 0:
        return "No result can be pooled; the rows give the reasons"
    if pool.can_pool:
        return ("{analyses[own].k:Words} trials pooled: {analyses[own].estimate:.2f} "
                "({analyses[own].ci_low:.2f} to {analyses[own].ci_high:.2f}); the interval "
                f"{{analyses[own].excludes_null:null}} {null}")
    if pool.k == 1:
        return ("One trial: {analyses[own].estimate:.2f} ({analyses[own].ci_low:.2f} to "
                "{analyses[own].ci_high:.2f}); its interval "
                f"{{analyses[own].excludes_null:null}} {null}")
    return "Two trials, which cannot support a pooled interval"


def remarks(rows: pd.DataFrame, analysis: Pool) -> list[str]:
    """What a reader should know about rows that they have put together."""
    kept = analysis.effects.loc[analysis.effects["included"], "outcome_id"]
    kinds = list(dict.fromkeys(rows.loc[kept, "family"]))
    found = []
    if len(kinds) > 1 and analysis.measure == "MD":
        found.append("A mean difference mixes units here: " + "; ".join(kinds) + ".")
    elif len(kinds) > 1:
        found.append("Different outcomes are put together: " + "; ".join(kinds) + ".")
    if analysis.basis in BASIS_WORDS:
        found.append(BASIS_WORDS[analysis.basis])
    left = len(rows) - len(kept)
    if left:
        found.append(f"{left} of {len(rows)} chosen rows are not pooled; "
                     "the figure gives the reasons.")
    found.append("A choice made with the results in view is exploratory.")
    return found


def file_name(text: str) -> str:
    """A plain file name made of what somebody typed; may be empty."""
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")


def save(review: Review, figure: Figure, typed: str, deck: Deck | None = None) -> list[Path]:
    """Write a figure into ``figures/custom/`` under a name made of what was typed.

    Parameters
    ----------
    deck : callable, optional
        Makes slides of figures (`evidence.publish.figure_deck`); with it there is a PPTX as well.

    Raises
    ------
    ValueError
        When the typed name holds neither letter nor digit.
    """
    named = replace(figure, name=file_name(typed))
    paths = export(named, review.root / FOLDER)
    if deck is not None:
        paths.append(review.root / FOLDER / f"{named.name}.pptx")
        write_bytes(paths[-1], deck(review, {}, [named]))
    return paths


def _figure(review: Review, analyses: dict, kind: str, tables: dict, row: dict) -> Figure:
    """A figure as figures.csv would ask for it, over some tables of the review."""
    blank = dict.fromkeys(("notebook", "select", "thresholds", "subtitle", "caption"), "")
    row = {"figure": f"own_{kind}", "kind": kind} | blank | row
    own = dict(review.tables) | tables | {"figures": pd.DataFrame([row])}
    return catalogue.build(replace(review, tables=Tables(own)), analyses, row["figure"])


def _plain(text: str) -> str:
    """Text that a template leaves as it is."""
    return text.replace("{", "{{").replace("}", "}}")
