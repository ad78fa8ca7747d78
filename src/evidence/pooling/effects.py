"""From tables to effects: one row per outcome with ``yi`` and ``vi``, or the reason why not."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from evidence.pooling import measures

RATIOS = ("RR", "OR")
COUNTS = ("RR", "OR", "RD")
MEASURES = ("MD", "SMD", "RR", "OR", "RD", "GEN")
LARGEST = 1e100  # beyond it squares and weights are no numbers any more
BASES = ("auto", "reported", "arms")
REPORTED_AS = {
    "MD": "mean_difference",
    "SMD": "standardised_mean_difference",
    "RR": "risk_ratio",
    "OR": "odds_ratio",
    "RD": "risk_difference",
}
COLUMNS = (
    "outcome_id", "study", "yi", "vi", "measure", "derived_from", "included", "reason", "n",
    "design", "crossover", "higher_is", "verification", "year", "ci_low", "ci_high",
)  # fmt: skip

_FROM_MEANS = {
    "MD": (measures.mean_difference, measures.paired_mean_difference),
    "SMD": (measures.standardised_mean_difference, measures.paired_standardised_mean_difference),
}
_FROM_COUNTS = {
    "RR": measures.risk_ratio,
    "OR": measures.odds_ratio,
    "RD": measures.risk_difference,
}


def outcome_effects(rows: pd.DataFrame, measure: str, basis: str = "auto") -> pd.DataFrame:
    """Effect and sampling variance of each row of one analysis.

    Parameters
    ----------
    rows : DataFrame
        Rows of outcomes.csv (or of harms.csv with ``outcome_id``), in the order of the analysis.
        ``design``, ``n_analysed``, ``n_randomised``, ``participants_of`` and ``year`` of the
        study are used where they are columns; ``participants_of`` is the study that counts its
        people, as `evidence.review.studies.roots` finds it.
    measure : str
        MD, SMD, RR, OR, RD or GEN.
    basis : str
        ``auto``: counts come first for RR, OR and RD of parallel trials; a reported effect with
        its standard error or interval comes first elsewhere, since it carries the trial's own
        adjustment and pairing. ``reported`` and ``arms`` allow one source only. Counts of a
        crossover trial are never used: the people of both periods are the same.

    Returns
    -------
    DataFrame
        One row per row of `rows`, columns `COLUMNS`. ``yi`` is intervention minus control, the
        log of intervention over control for RR and OR. ``derived_from`` is ``arms``,
        ``reported_se``, ``reported_ci`` or ``paired``: the pairing of a crossover trial was
        worked out here from an exact p value, or from SDs and a stated ``correlation``.
        ``n`` counts the people of both arms, those of a crossover trial once.
        ``ci_low`` and ``ci_high`` are the limits that the report gives for a reported effect, on
        its own scale, else NaN.
        ``reason`` is empty for included rows.

    Raises
    ------
    ValueError
        When `measure` or `basis` is unknown.
    """
    if measure not in MEASURES:
        raise ValueError(f"unknown measure {measure}: use one of {', '.join(MEASURES)}")
    if basis not in BASES:
        raise ValueError(f"unknown basis {basis}: use one of {', '.join(BASES)}")
    effects = [_effect(row, measure, basis) for row in records(rows)]
    table = pd.DataFrame(effects, columns=list(COLUMNS))
    table["included"] = table["included"].astype(bool)
    table["n"] = table["n"].astype("Int64")
    table["year"] = table["year"].astype("Int64")
    _count_participants_once(table, rows)
    return table


def records(table: pd.DataFrame) -> list[dict]:
    """Rows of a table as dicts of plain values; `DataFrame.to_dict` takes several times as long."""
    names = list(table.columns)
    columns = [table[name].tolist() for name in names]
    return [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]


def _effect(row: Mapping, measure: str, basis: str) -> dict:
    crossover = _is_crossover(row)
    result = {
        "outcome_id": row["outcome_id"], "study": row["study"], "yi": np.nan, "vi": np.nan,
        "measure": measure, "derived_from": "", "n": _people(row, crossover),
        "design": _text(row, "design"), "crossover": crossover,
        "higher_is": _text(row, "higher_is"), "verification": _text(row, "verification"),
        "year": _number(row, "year"), "ci_low": np.nan, "ci_high": np.nan,
    }  # fmt: skip
    barred = _barred(row)
    try:
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            yi, vi, source = _estimate(row, measure, basis, crossover)
        result |= {"yi": float(yi), "vi": float(vi), "derived_from": source}
        if source.startswith("reported"):
            result |= {name: _number(row, f"effect_{name}") for name in ("ci_low", "ci_high")}
        reason = barred
    except ValueError as error:
        reason = str(error) if barred == NOT_POOLABLE else barred or str(error)
    return result | {"included": not reason, "reason": reason}


NOT_POOLABLE = "marked not poolable"
NOT_RECORDED = "not recorded"  # verification of a table that has no such column


def _barred(row: Mapping) -> str:
    """Why a row may not be pooled whatever its numbers are; empty when it may."""
    if _text(row, "contrast") == "within_arm":
        return "change within one arm, no control"
    if "unit" in row and _text(row, "unit") != "participants":
        return "counts are of events, not of participants"
    if "verification" in row and _text(row, "verification") in ("", "unverified"):
        return "unverified"
    if "poolable" in row and _text(row, "poolable").lower() in ("", "false"):
        return NOT_POOLABLE
    return ""


class _Absent(ValueError):
    """A source that a row does not offer; one that it offers but cannot be used is a ValueError."""


def _estimate(row: Mapping, measure: str, basis: str, crossover: bool) -> tuple:
    arms_first = measure in COUNTS and not crossover
    sources = (_from_arms, _from_report) if arms_first else (_from_report, _from_arms)
    if basis == "reported" or measure == "GEN":
        sources = (_from_report,)
    elif basis == "arms":
        sources = (_from_arms,)
    reasons = []
    for source in sources:
        try:
            yi, vi, origin = source(row, measure, crossover)
        except _Absent as error:
            reasons.append(str(error))
            continue
        if not (np.isfinite(yi) and 1 / LARGEST < vi < np.inf):
            raise ValueError("the sampling variance is not positive")
        return yi, vi, origin
    raise ValueError(", ".join(dict.fromkeys(reasons)))


def _from_report(row: Mapping, measure: str, crossover: bool) -> tuple:
    effect, kind = _number(row, "effect"), _text(row, "effect_measure")
    se, low, high = (_number(row, f"effect_{name}") for name in ("se", "ci_low", "ci_high"))
    if np.isnan(effect):
        raise _Absent("no effect reported")
    if measure == "GEN" and kind in ("risk_ratio", "odds_ratio"):
        raise ValueError(f"a {_words(kind)} is pooled on the log scale: use its own measure")
    if measure != "GEN" and kind != REPORTED_AS[measure]:
        raise _Absent(f"the effect is reported as {_words(kind) or 'something unnamed'}")
    is_ratio = measure in RATIOS
    if is_ratio and effect <= 0:
        raise ValueError("a ratio must be above zero")
    _check_size(effect, se, low, high)
    yi = np.log(effect) if is_ratio else effect
    if not np.isnan(se):
        return yi, _square(se), "reported_se"
    if not (np.isnan(low) or np.isnan(high)):
        return yi, measures.se_from_ci(low, high, log=is_ratio) ** 2, "reported_ci"
    p_value, relation = _number(row, "p_value"), _text(row, "p_relation")
    if crossover and not np.isnan(p_value) and relation in ("", "="):
        people = _people(row, crossover)
        df = people - 1 if people > 1 else None
        return yi, measures.se_from_p(yi, p_value, df) ** 2, "paired"
    raise _Absent("no standard error or interval")


def _from_arms(row: Mapping, measure: str, crossover: bool) -> tuple:
    if measure in COUNTS:
        counts = _arms(row, "events", "n")
        if np.isnan(counts).any():
            raise _Absent("counts are not given for both arms")
        if crossover:
            raise ValueError("counts of a crossover trial do not show its pairs: "
                             "give the paired effect with its error")
        return *_FROM_COUNTS[measure](*counts), "arms"
    arms = _arms(row, "mean", "sd", "n")
    if np.isnan(arms).any():
        raise _Absent("means and SDs are not given for both arms")
    _check_size(*arms)
    independent, paired = _FROM_MEANS[measure]
    if not crossover:
        return *independent(*arms), "arms"
    correlation = _number(row, "correlation")
    if np.isnan(correlation):
        raise ValueError("means of a crossover trial need the correlation between periods")
    mean1, sd1, n1, mean2, sd2, n2 = arms
    return *paired(mean1, sd1, mean2, sd2, min(n1, n2), correlation), "paired"


def _count_participants_once(table: pd.DataFrame, rows: pd.DataFrame) -> None:
    """Leave one included row per group of participants: main role first, own trial, file order."""
    people = rows["study"].reset_index(drop=True)
    if "participants_of" in rows:
        people = rows["participants_of"].reset_index(drop=True).fillna(people)
    role = rows["pool_role"].reset_index(drop=True) if "pool_role" in rows else None
    second = (role == "sensitivity") if role is not None else pd.Series(False, index=table.index)
    rank = pd.DataFrame({"role": second.fillna(False), "borrowed": people != table["study"]})
    chosen: dict[str, int] = {}
    for position in rank[table["included"]].sort_values(["role", "borrowed"], kind="stable").index:
        kept = chosen.setdefault(people[position], position)
        if kept != position:
            table.loc[position, ["included", "reason"]] = (
                False,
                _repeated(table.loc[position], table.loc[kept], second[position]),
            )


def _repeated(row: pd.Series, kept: pd.Series, second: bool) -> str:
    if row["study"] != kept["study"]:
        return f"shares participants with {kept['study']}, counted once"
    what = "sensitivity row of the same trial" if second else "same trial"
    return f"{what} as {kept['outcome_id']}, participants counted once"


def _is_crossover(row: Mapping) -> bool:
    contrast = _text(row, "contrast")
    return contrast == "crossover_paired" or (not contrast and "crossover" in _text(row, "design"))


def _people(row: Mapping, crossover: bool) -> float:
    """People analysed in both arms; what the study says where the row is silent."""
    arms = [_number(row, "intervention_n"), _number(row, "control_n")]
    if not np.isnan(arms).any():
        return max(arms) if crossover else sum(arms)
    for name in ("n_analysed", "n_randomised"):
        if not np.isnan(_number(row, name)):
            return _number(row, name)
    return np.nan


def _arms(row: Mapping, *names: str) -> list[float]:
    return [_number(row, f"{arm}_{name}") for arm in ("intervention", "control") for name in names]


def _number(row: Mapping, name: str) -> float:
    value = row.get(name)
    return np.nan if is_empty(value) else float(value)


def _text(row: Mapping, name: str) -> str:
    value = row.get(name)
    return "" if is_empty(value) else str(value)


def is_empty(value: object) -> bool:
    """`pandas.isna` of one plain value, at a tenth of the time."""
    return value is None or value is pd.NA or value != value


def _words(code: str) -> str:
    return code.replace("_", " ")


def _check_size(*numbers: float) -> None:
    if any(abs(number) > LARGEST for number in numbers):
        raise ValueError("a number is too large to be used")


def _square(se: float) -> float:
    if se <= 0:
        raise ValueError("the standard error is not positive")
    return se**2
