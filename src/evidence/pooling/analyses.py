"""Run the analyses that a review names in data/analyses.csv and write their results."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from evidence.pooling.effects import BASES, METHOD_MEASURES, NOT_RECORDED, outcome_effects
from evidence.pooling.effects import METHODS as POOLING_METHODS
from evidence.pooling.estimators import INTERVAL_RULES, METHODS
from evidence.pooling.synthesis import DRAW_POOL, SCALES, Pool, synthesise, with_columns
from evidence.review import MEASURES, Problem, ReviewError, keys, made_once, noted, roots, word

FILE = "data/analyses.csv"
EFFECT_COLUMNS = (
    "analysis", "outcome_id", "study", "yi", "vi", "measure", "derived_from", "weight_percent",
    "included", "reason",
)  # fmt: skip
POOLED_COLUMNS = (
    "analysis", "measure", "k", "n", "tau2_method", "interval_rule", "is_default", "estimate",
    "se", "ci_low", "ci_high", "p_value", "pi_low", "pi_high", "tau2", "tau2_ci_low",
    "tau2_ci_high", "i2", "q", "q_p_value", "interval_source", "excluded",
)  # fmt: skip
ALLOWED = {
    "measure": MEASURES, "tau2_method": METHODS, "basis": BASES, "method": POOLING_METHODS,
    "interval_rule": INTERVAL_RULES, "draw_pool": DRAW_POOL, "scale": SCALES,
}  # fmt: skip
WORDS = (
    "title", "role", "parent", "rationale", "scale", "method", "tau2_method", "interval_rule",
    "draw_pool", "label_low", "label_high",
)  # fmt: skip
OF_STUDY = ("design", "n_analysed", "n_randomised")  # what the study says goes before
BARRING = {"unit": "participants", "poolable": True, "verification": NOT_RECORDED}


class Analyses(Mapping[str, Pool]):
    """Results of data/analyses.csv by id, run once, when the first of them is looked at.

    Whoever looks at one has looked at that one only.
    """

    def __init__(self, review):
        self.review = review

    def __getitem__(self, name: str) -> Pool:
        if name not in analysis_ids(self.review):
            raise KeyError(name)
        return analysis(self.review, name)

    def __iter__(self) -> Iterator[str]:
        return iter(analysis_ids(self.review))

    def __len__(self) -> int:
        return len(analysis_ids(self.review))


@noted
def analysis_ids(review) -> tuple[str, ...]:
    """Ids of the analyses of a review, in the order of the file."""
    return tuple(run_analyses(review))


@noted
def analysis(review, name: str) -> Pool:
    """One analysis of a review with its result."""
    return run_analyses(review)[name]


@made_once
def run_analyses(review) -> dict[str, Pool]:
    """Run every analysis of a review, once.

    Parameters
    ----------
    review : evidence.review.review.Review
        Its tables outcomes, studies and analyses are read, and harms where there are any.

    Returns
    -------
    dict of str to Pool
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
        pool = results[spec["analysis"]] = _run(spec, rows)
        problems += _mixture_problems(pool, rows, line)
        if pool.k > 1 and not np.isfinite(pool.estimate):
            other = "peto or inverse_variance" if pool.measure == "OR" else "inverse_variance"
            rule, advice = "one arm has no events in any trial", f"use {other}"
            problems.append(Problem(FILE, line, "method", pool.method, rule, advice))
    if problems:
        raise ReviewError(problems)
    return results


@made_once
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
    names = [name for name in studies if name not in rows or name in OF_STUDY]
    theirs = studies[names].astype(object).assign(participants_of=roots(studies).astype(object))
    theirs = theirs.reindex(rows["study"]).set_axis(rows.index)
    rows = pd.concat([rows.drop(columns=list(theirs), errors="ignore"), theirs], axis=1)
    rows["year"] = rows["study"].map(lambda study: _year(review.bibliography, study))
    return rows.set_index("outcome_id", drop=False)


def _unbarred(table: pd.DataFrame) -> pd.DataFrame:
    """A table in which columns that it does not have bar none of its rows."""
    return table.assign(**{name: value for name, value in BARRING.items() if name not in table})


def effects_table(results: Mapping[str, Pool]) -> pd.DataFrame:
    """Every row named in an analysis, one row per analysis and outcome (`EFFECT_COLUMNS`)."""
    tables = []
    for name, result in results.items():
        weights = {row.outcome_id: row.weight for row in result.studies}
        table = result.effects.copy()
        table["analysis"] = name
        table["weight_percent"] = table["outcome_id"].map(weights).astype(float)
        tables.append(table[list(EFFECT_COLUMNS)])
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=EFFECT_COLUMNS)


def pooled_table(results: Mapping[str, Pool]) -> pd.DataFrame:
    """One row per analysis and interval rule (`POOLED_COLUMNS`)."""
    rows = []
    for name, pool in results.items():
        shared = {field: getattr(pool, field) for field in POOLED_COLUMNS if hasattr(pool, field)}
        left_out = [f"{row.outcome_id}: {row.reason}" for row in pool.excluded]
        shared |= {"analysis": name, "excluded": "; ".join(left_out)}
        for estimate in pool.pooled:
            own = {field: getattr(estimate, field) for field in estimate.__slots__}
            is_default = estimate.interval_rule == pool.interval_rule
            rows.append(shared | own | {"is_default": is_default})
    table = pd.DataFrame(rows, columns=list(POOLED_COLUMNS))
    return table.astype({"n": "Int64", "k": "Int64"})


def left_out(results: Mapping[str, Pool]) -> list[str]:
    """What was named and is not pooled, one line per row; analyses that are empty come first."""
    empty = [f"{name}: nothing is pooled" for name, pool in results.items() if not pool.k]
    return empty + [
        f"{name}: {row.outcome_id} is not pooled: {row.reason}"
        for name, pool in results.items() for row in pool.excluded
    ]


def derived_tables(results: Mapping[str, Pool]) -> dict[str, pd.DataFrame]:
    """Tables of data/derived by name: effects and pooled, and the others where there are any."""
    tables = {"effects": effects_table(results), "pooled": pooled_table(results)}
    pools = results.values()
    for name, found in (
        ("subgroups", [pool.subgroups() for pool in pools if pool.subgroup_by]),
        ("regressions", [pool.regression() for pool in pools if not pool.why_no_regression]),
        ("small_study", [pool.small_study() for pool in pools if not pool.why_no_small_study]),
    ):  # fmt: skip
        if found:
            tables[name] = pd.concat(found, ignore_index=True)
    return tables


def in_brief(results: Mapping[str, Pool]) -> list[str]:
    """A line for each primary analysis that pools something: what can be said before anybody has
    written an answer."""
    return [f"{(pool.title or pool.name).rstrip('.')}. {pool.headline}."
            for pool in results.values() if pool.k and pool.role in ("", "primary")]


def included_ids(spec: Mapping, rows: pd.DataFrame) -> list[str]:
    """Ids of the rows that an analysis names, one by one or by a filter, in order.

    A filter is ``column = value``, several with semicolons between; all of them must hold. Columns
    are those of outcomes.csv, harms.csv and studies.csv; numbers are compared as numbers.
    """
    parts = keys(spec.get("include"))
    if not is_filter(parts, rows):
        return parts
    kept = pd.Series(True, rows.index)
    for part in parts:
        column, _, value = (piece.strip() for piece in part.partition("="))
        kept &= rows[column].map(_as_text) == _as_text(_number_or_text(value))
    return rows.index[kept].tolist()


def is_filter(parts: list[str], rows: pd.DataFrame) -> bool:
    """Whether the items of an include cell are conditions instead of ids."""
    if not parts or not all("=" in part for part in parts):
        return False
    return not any(part in rows.index for part in parts)


def _number_or_text(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def _as_text(value) -> str:
    """A cell as a filter writes it."""
    if pd.isna(value):
        return ""
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    return f"{float(value):.15g}" if isinstance(value, (int, float, np.number)) else str(value)


def _run(spec: Mapping, rows: pd.DataFrame) -> Pool:
    measure, basis = spec["measure"], word(spec, "basis", "auto")
    chosen = rows.loc[included_ids(spec, rows)]
    words = {name: word(spec, name) for name in WORDS}
    words["title"] = words["title"] or str(spec["analysis"]).replace("_", " ").capitalize()
    groups = {"subgroup_by": word(spec, "subgroup_by"), "moderators": keys(spec.get("moderators"))}
    effects = outcome_effects(chosen, measure, basis, scale=words["scale"],
                              method=words["method"] or "inverse_variance")
    return synthesise(with_columns(effects, chosen, **groups), measure=measure, basis=basis,
                      name=spec["analysis"], **groups, **words)


def _specification_problems(analyses: pd.DataFrame, rows: pd.DataFrame) -> list[Problem]:
    problems = []
    names = set(analyses["analysis"]) if len(analyses) else set()
    counts = rows.index.value_counts().to_dict()
    for line, spec in enumerate(analyses.to_dict("records"), start=2):
        found = []
        for column, values in ALLOWED.items():
            value = word(spec, column)
            if (value or column == "measure") and value not in values:
                found.append((column, value, "is unknown", f"use one of {', '.join(values)}"))
        found = found or _unfit(spec)
        parent = word(spec, "parent")
        if parent and parent not in names:
            rule, advice = "is no analysis of this file", "name one or leave the cell empty"
            found.append(("parent", parent, rule, advice))
        for column in ("subgroup_by", "moderators"):
            found += [
                (column, name, "is no column of outcomes, harms or studies", "name one that is")
                for name in keys(spec.get(column))
                if name not in rows and (column, name) != ("moderators", "n")
            ]
        found += [("include", *words) for words in _include_problems(spec, rows, counts)]
        problems += [Problem(FILE, line, *words) for words in found]
    return problems


def _unfit(spec: Mapping) -> list[tuple[str, str, str, str]]:
    """Choices of one analysis that do not go together."""
    measure, method, scale = word(spec, "measure"), word(spec, "method"), word(spec, "scale")
    found = []
    if method in METHOD_MEASURES:
        allowed = METHOD_MEASURES[method]
        if measure not in allowed:
            found.append(("method", method, f"does not pool {measure}",
                          f"use it for {', '.join(allowed)}"))
        for column, only in (("tau2_method", "FE"), ("interval_rule", "wald")):
            if word(spec, column, only) != only:
                found.append((column, word(spec, column), f"does not go with {method}",
                              f"write {only} or leave the cell empty"))
        if word(spec, "basis") == "reported":
            found.append(("basis", "reported", f"does not go with {method}, which pools counts",
                          "leave the cell empty"))
    if scale and measure != "GEN":
        found.append(("scale", scale, f"belongs to GEN: {measure} has its own scale",
                      "leave the cell empty"))
    return found


def _include_problems(
    spec: Mapping, rows: pd.DataFrame, counts: Mapping[str, int]
) -> list[tuple[str, str, str]]:
    parts = keys(spec.get("include"))
    if not is_filter(parts, rows):
        return _id_problems(parts, counts)
    unknown = [part for part in parts if part.partition("=")[0].strip() not in rows]
    if unknown:
        return [(part, "begins with no column of outcomes, harms or studies",
                 "write column = value") for part in unknown]
    ids = included_ids(spec, rows)
    if not ids:
        return [("; ".join(parts), "matches no outcome", "check columns and values")]
    return _id_problems(ids, counts)


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


def _mixture_problems(pool: Pool, rows: pd.DataFrame, line: int) -> list[Problem]:
    """What the pooled rows of an analysis must have in common and have not."""
    ids = pool.effects.loc[pool.effects["included"], "outcome_id"]
    found = mixtures(rows.loc[ids], pool.measure)
    return [Problem(FILE, line, "include", pool.name, *words) for words in found]


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
        One of `evidence.pooling.measures.MEASURES`. Any rows may differ in direction, mean
        differences in scale, ready-made effects in what they are.

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
