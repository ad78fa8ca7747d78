"""Run the analyses that a review names in data/analyses.csv and write their results."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from evidence.pooling.effects import BASES, MEASURES, NOT_RECORDED, outcome_effects
from evidence.pooling.estimators import METHODS
from evidence.pooling.synthesis import Synthesis, synthesise
from evidence.review import Problem, ReviewError, keys, roots, word

FILE = "data/analyses.csv"
EFFECT_COLUMNS = (
    "analysis", "outcome_id", "study", "yi", "vi", "measure", "derived_from", "weight_percent",
    "included", "reason",
)  # fmt: skip
POOLED_COLUMNS = (
    "analysis", "measure", "k", "n", "tau2_method", "interval_rule", "is_default", "estimate",
    "se", "ci_low", "ci_high", "p_value", "pi_low", "pi_high", "tau2", "tau2_ci_low",
    "tau2_ci_high", "i2", "q", "q_p_value", "excluded",
)  # fmt: skip
BARRING = {"unit": "participants", "poolable": True, "verification": NOT_RECORDED}


@dataclass(frozen=True, slots=True)
class Analysis:
    """One row of analyses.csv with its effects and its synthesis.

    ``parent`` is the analysis that a sensitivity analysis belongs to, empty otherwise.
    ``effects`` is the table of `evidence.pooling.effects.outcome_effects`, taken with ``basis``.
    """

    analysis: str
    title: str
    role: str
    parent: str
    rationale: str
    effects: pd.DataFrame
    synthesis: Synthesis
    basis: str = "auto"


class Analyses(Mapping[str, Analysis]):
    """Results of data/analyses.csv by id, run when the first of them is looked at."""

    def __init__(self, review):
        self._review = review

    @cached_property
    def _results(self) -> dict[str, Analysis]:
        return run_analyses(self._review)

    def __getitem__(self, name: str) -> Analysis:
        return self._results[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._results)

    def __len__(self) -> int:
        return len(self._results)


def run_analyses(review) -> dict[str, Analysis]:
    """Run every analysis of a review.

    Parameters
    ----------
    review : evidence.review.review.Review
        Its tables outcomes, studies and analyses are read, and harms where there are any.

    Returns
    -------
    dict of str to Analysis
        In the order of the file.

    Raises
    ------
    ReviewError
        With every id, measure, estimator or parent of analyses.csv that does not exist.
    """
    analyses = review.table("analyses")
    rows = analysis_rows(review)
    problems = _specification_problems(analyses, rows)
    if problems:
        raise ReviewError(problems)
    results = {}
    for line, spec in enumerate(analyses.to_dict("records"), start=2):
        results[spec["analysis"]] = _run(spec, rows)
        problems += _mixture_problems(results[spec["analysis"]], rows, line)
    if problems:
        raise ReviewError(problems)
    return results


def analysis_rows(review) -> pd.DataFrame:
    """Rows of outcomes and harms, indexed by id, with what their study says beside them.

    A harm is an outcome of which more is worse; its id stands in ``outcome_id``. A column that may
    bar a row from a pool (`BARRING`) does so only where the row's own table has it.
    """
    tables = [review.table("outcomes").assign(unit="participants")]
    harms = review.table("harms")
    if not harms.empty:
        tables.append(harms.rename(columns={"harm_id": "outcome_id"}).assign(higher_is="worse"))
    rows = pd.concat([_unbarred(table).astype(object) for table in tables], ignore_index=True)
    studies = review.table("studies").set_index("study")
    for name in ("design", "n_analysed", "n_randomised"):
        if name in studies:
            rows[name] = rows["study"].map(studies[name].astype(object))
    rows["participants_of"] = rows["study"].map(roots(studies).astype(object))
    rows["year"] = rows["study"].map(lambda study: _year(review.bibliography, study))
    return rows.set_index("outcome_id", drop=False)


def _unbarred(table: pd.DataFrame) -> pd.DataFrame:
    """A table in which columns that it does not have bar none of its rows."""
    return table.assign(**{name: value for name, value in BARRING.items() if name not in table})


def effects_table(results: Mapping[str, Analysis]) -> pd.DataFrame:
    """Every row named in an analysis, one row per analysis and outcome (`EFFECT_COLUMNS`)."""
    tables = []
    for name, result in results.items():
        weights = {row.outcome_id: row.weight for row in result.synthesis.studies}
        table = result.effects.copy()
        table["analysis"] = name
        table["weight_percent"] = table["outcome_id"].map(weights).astype(float)
        tables.append(table[list(EFFECT_COLUMNS)])
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=EFFECT_COLUMNS)


def pooled_table(results: Mapping[str, Analysis]) -> pd.DataFrame:
    """One row per analysis and interval rule (`POOLED_COLUMNS`)."""
    rows = []
    for name, result in results.items():
        pool = result.synthesis
        shared = {field: getattr(pool, field) for field in POOLED_COLUMNS if hasattr(pool, field)}
        left_out = [f"{row.outcome_id}: {row.reason}" for row in pool.excluded]
        shared |= {"analysis": name, "excluded": "; ".join(left_out)}
        for estimate in pool.pooled:
            own = {field: getattr(estimate, field) for field in estimate.__slots__}
            is_default = estimate.interval_rule == pool.interval_rule
            rows.append(shared | own | {"is_default": is_default})
    table = pd.DataFrame(rows, columns=list(POOLED_COLUMNS))
    return table.astype({"n": "Int64", "k": "Int64"})


def _run(spec: Mapping, rows: pd.DataFrame) -> Analysis:
    measure, basis = spec["measure"], word(spec, "basis", "auto")
    effects = outcome_effects(rows.loc[keys(spec.get("include"))], measure, basis)
    synthesis = synthesise(
        effects,
        measure=measure,
        method=word(spec, "tau2_method", "REML"),
        analysis=spec["analysis"],
        title=word(spec, "title"),
    )
    texts = ("analysis", "title", "role", "parent", "rationale")
    return Analysis(*(word(spec, name) for name in texts), effects, synthesis, basis)


def _specification_problems(analyses: pd.DataFrame, rows: pd.DataFrame) -> list[Problem]:
    problems = []
    names = set(analyses["analysis"]) if len(analyses) else set()
    counts = rows.index.value_counts().to_dict()
    allowed = {"measure": MEASURES, "tau2_method": METHODS, "basis": BASES}
    for line, spec in enumerate(analyses.to_dict("records"), start=2):
        for column, values in allowed.items():
            value = word(spec, column)
            if (value or column == "measure") and value not in values:
                advice = f"use one of {', '.join(values)}"
                problems.append(Problem(FILE, line, column, value, "is unknown", advice))
        parent = word(spec, "parent")
        if parent and parent not in names:
            rule, advice = "is no analysis of this file", "name one or leave the cell empty"
            problems.append(Problem(FILE, line, "parent", parent, rule, advice))
        problems += [
            Problem(FILE, line, "include", outcome_id, rule, advice)
            for outcome_id, rule, advice in _id_problems(keys(spec.get("include")), counts)
        ]
    return problems


def _id_problems(ids: list[str], counts: Mapping[str, int]) -> list[tuple[str, str, str]]:
    if not ids:
        return [("", "names no outcome", "list outcome_ids or harm_ids, separated by ;")]
    found = []
    for outcome_id, times in Counter(ids).items():
        if outcome_id not in counts:
            advice = "use an outcome_id or harm_id of the tables"
            found.append((outcome_id, "is neither an outcome nor a harm", advice))
        elif times > 1:
            found.append((outcome_id, "is named twice", "name it once"))
        elif counts[outcome_id] > 1:
            found.append((outcome_id, "is the id of more than one row", "make ids unique"))
    return found


def _mixture_problems(result: Analysis, rows: pd.DataFrame, line: int) -> list[Problem]:
    """What the pooled rows of an analysis must have in common and have not."""
    ids = result.effects.loc[result.effects["included"], "outcome_id"]
    found = mixtures(rows.loc[ids], result.synthesis.measure)
    return [Problem(FILE, line, "include", result.analysis, *words) for words in found]


def _year(bibliography, study: str) -> int | None:
    text = bibliography[study].year if study in bibliography else ""
    return int(text) if text.isdigit() else None

IN_POINTS = {"mean_difference", "median_difference"}


def mixtures(rows: pd.DataFrame, measure: str) -> list[tuple[str, str]]:
    """What keeps rows from being pooled together, though each could be pooled.

    Parameters
    ----------
    rows : DataFrame
        Rows of `analysis_rows`. What a row does not state is taken to agree.
    measure : str
        MD, SMD, RR, OR, RD or GEN. Any rows may differ in direction, mean differences in scale,
        ready-made effects in what they are.

    Returns
    -------
    list of (str, str)
        The rule that they break, and what to do.
    """
    found = []
    if len(_stated(rows, "higher_is")) > 1:
        found.append(("pools outcomes where higher is worse with outcomes where higher is better",
                      "keep one direction per analysis"))
    kinds = [kind for kind in _stated(rows, "effect_measure") if kind != "none"]
    if measure == "GEN" and len(kinds) > 1:
        words = ", ".join(kind.replace("_", " ") for kind in kinds)
        found.append((f"pools effects of different kinds: {words}",
                      "convert them to one kind, or keep one kind per analysis"))
    in_points = measure == "MD" or (measure == "GEN" and not IN_POINTS.isdisjoint(kinds))
    scales = _scales(rows)
    if in_points and len(scales) > 1:
        found.append((f"pools points of different scales: {', '.join(scales)}",
                      "keep one scale per analysis, or pool standardised differences (SMD)"))
    return found


def _stated(rows: pd.DataFrame, column: str) -> list[str]:
    """Different values of a column of text, in order."""
    return list(dict.fromkeys(rows[column].replace("", np.nan).dropna())) if column in rows else []


def _scales(rows: pd.DataFrame) -> list[str]:
    """Different scales of rows that name both ends, in words."""
    if not {"scale_low", "scale_high"} <= set(rows):
        return []
    ends = rows[["scale_low", "scale_high"]].apply(pd.to_numeric, errors="coerce")
    ends = ends.astype(float).dropna().drop_duplicates()
    return [f"{low:g} to {high:g}" for low, high in ends.to_numpy()]
