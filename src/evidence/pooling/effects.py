"""From tables to effects: one row per outcome with ``yi`` and ``vi``, or the reason why not."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from evidence.pooling import measures
from evidence.pooling.measures import is_ratio, to_analysis, to_shown
from evidence.review import ARMS, COUNTED, MEASURES, RATIO_KINDS, REPORTED_AS

SINGLE = ("PROP", "COR")  # measures of one group, which compare nothing
METHODS = ("inverse_variance", "mantel_haenszel", "peto")
METHOD_MEASURES = {"mantel_haenszel": COUNTED, "peto": ("OR",)}
LARGEST = 1e100  # beyond it squares and weights are no numbers any more
BASES = ("auto", "reported", "arms")
FEWEST_FOR_Z = 22  # degrees of freedom below which t is more than 6 % wider than z
CELLS = (
    "intervention_events", "intervention_n", "intervention_time", "control_events", "control_n",
    "control_time",
)  # fmt: skip
READ = (
    "outcome_id", "study", "contrast", "design", "higher_is", "verification", "poolable", "unit",
    "year", "stratum", "n_analysed", "n_randomised", "effect_measure", "effect", "effect_se",
    "effect_ci_low", "effect_ci_high", "effect_df", "p_value", "p_relation", "correlation",
    *(f"{arm}_{part}" for arm in ARMS
      for part in ("n", "mean", "sd", "events", "time")),
)  # fmt: skip
COLUMNS = (
    "outcome_id", "study", "yi", "vi", "measure", "derived_from", "included", "reason", "n",
    "design", "crossover", "higher_is", "verification", "year", "ci_low", "ci_high", "df",
    "stratum", *CELLS,
)  # fmt: skip

_FROM_MEANS = {
    "MD": (measures.mean_difference, measures.paired_mean_difference),
    "SMD": (measures.standardised_mean_difference, measures.paired_standardised_mean_difference),
}
_FROM_COUNTS = {
    "RR": measures.risk_ratio,
    "OR": measures.odds_ratio,
    "RD": measures.risk_difference,
    "IRR": measures.rate_ratio,
}


def outcome_effects(
    rows: pd.DataFrame, measure: str, basis: str = "auto", *, method: str = "inverse_variance",
    scale: str = "",
) -> pd.DataFrame:
    """Effect and sampling variance of each row of one analysis.

    Parameters
    ----------
    rows : DataFrame
        Rows of outcomes.csv (or of harms.csv with ``outcome_id``), in the order of the analysis.
        ``design``, ``n_analysed``, ``n_randomised``, ``participants_of`` and ``year`` of the
        study are used where they are columns; ``participants_of`` is the study that counts its
        people, as `evidence.review.studies.roots` finds it.
    measure : str
        One of `evidence.pooling.measures.MEASURES`.
    basis : str
        ``auto``: counts come first for RR, OR, RD and IRR of parallel trials; a reported effect
        with its standard error or interval comes first elsewhere, since it carries the trial's own
        adjustment and pairing; a reported effect with an exact p value comes last. ``reported``
        and ``arms`` allow one source only. Counts of a crossover trial are never used: the people
        of both periods are the same.
    method : str
        ``mantel_haenszel`` and ``peto`` take counts only; Peto's odds ratios are his own.
    scale : str
        ``log``: ready-made effects (GEN) and their limits are logs of ratios.

    Returns
    -------
    DataFrame
        One row per row of `rows`, columns `COLUMNS`. ``yi`` is intervention minus control, the
        log of intervention over control for ratios, the logit of a share, Fisher's z of a
        correlation. ``derived_from`` is ``arms``, ``reported_se``, ``reported_ci``,
        ``reported_p``, ``reported_n`` (a correlation and its people) or ``paired``: the pairing
        of a crossover trial was worked out here from an exact p value, or from SDs and a stated
        ``correlation``; ``arms_shared`` where several arms of one trial have split their control.
        ``n`` counts the people of both arms, those of a crossover trial once.
        ``ci_low`` and ``ci_high`` are the limits that the report gives for a reported effect, as
        they are shown (ratios as ratios), else NaN.
        ``df`` are the degrees of freedom of the row's own interval where it rests on t: those that
        the report states (column ``effect_df``), or those of a mean difference between fewer than
        24 people, where z would be more than 6 % too narrow (Cochrane Handbook, chapter 6).
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
    if measure not in METHOD_MEASURES.get(method, MEASURES):
        raise ValueError(f"{method} pools {', '.join(METHOD_MEASURES[method])}, not {measure}")
    given = records(rows[[name for name in READ if name in rows]])
    for row, split in zip(given, _shared_controls(rows), strict=True):
        row |= split
    effects = [_effect(row, measure, basis, method, scale) for row in given]
    table = pd.DataFrame(effects, columns=list(COLUMNS[: -len(CELLS)]))
    for name in CELLS:
        table[name] = np.array([_number(row, name) for row in given]) if name in rows else np.nan
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


def _shared_controls(rows: pd.DataFrame) -> list[dict]:
    """For each row, its part of a control group that it shares with other rows of the study.

    Rows of one study with the same ``shared_control`` each take an equal part of its people, events
    and person-time; means and SDs stay (Cochrane Handbook, chapter 23). The people are counted with
    the first of them.
    """
    if "shared_control" not in rows:
        return [{}] * len(rows)
    key = rows["study"].astype(str) + "\n" + rows["shared_control"].astype(object).fillna("")
    key = key.where(rows["shared_control"].notna() & (rows["shared_control"] != ""))
    sizes, places = key.map(key.value_counts()), rows.groupby(key, dropna=False).cumcount()
    found = []
    for row, size, place in zip(records(rows), sizes, places, strict=True):
        split = {}
        if size > 1:
            split = {name: _number(row, name) / size
                     for name in ("control_n", "control_events", "control_time")}
            split |= {SHARED: int(size), "counted_n": _number(row, "control_n") * (place == 0)}
        found.append(split)
    return found


def _effect(row: Mapping, measure: str, basis: str, method: str, scale: str) -> dict:
    crossover = measure not in SINGLE and _is_crossover(row)
    result = {
        "outcome_id": row["outcome_id"], "study": row["study"], "yi": np.nan, "vi": np.nan,
        "measure": measure, "derived_from": "", "n": _people(row, measure, crossover),
        "design": _text(row, "design"), "crossover": crossover,
        "higher_is": _text(row, "higher_is"), "verification": _text(row, "verification"),
        "year": _number(row, "year"), "ci_low": np.nan, "ci_high": np.nan,
        "df": _interval_df(row, measure, crossover),
        "stratum": _text(row, "stratum"),
    }  # fmt: skip
    barred = _barred(row, measure)
    try:
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            yi, vi, source = _estimate(row, measure, basis, method, crossover)
        result |= {"yi": float(yi), "vi": float(vi), "derived_from": source}
        if source.startswith("reported"):
            limits = {name: _number(row, f"effect_{name}") for name in ("ci_low", "ci_high")}
            if measure == "GEN":
                limits = {name: float(to_shown(value, measure, scale))
                          for name, value in limits.items()}
            result |= limits
        reason = barred
    except ValueError as error:
        reason = str(error) if barred == NOT_POOLABLE else barred or str(error)
    return result | {"included": not reason, "reason": reason}


NOT_POOLABLE = "marked not poolable"
SHARED = "control_shared_by"  # number of rows that share a control group
NOT_RECORDED = "not recorded"  # verification of a table that has no such column


def _barred(row: Mapping, measure: str) -> str:
    """Why a row may not be pooled whatever its numbers are; empty when it may."""
    contrast = _text(row, "contrast")
    if contrast == "within_arm" and measure not in SINGLE:
        return "change within one arm, no control"
    if contrast == "single_group" and measure not in SINGLE:
        return "one group, no control"
    if "unit" in row and _text(row, "unit") != "participants" and measure != "IRR":
        return "counts are of events, not of participants"
    if "verification" in row and _text(row, "verification") in ("", "unverified"):
        return "unverified"
    if "poolable" in row and _text(row, "poolable").lower() in ("", "false"):
        return NOT_POOLABLE
    return ""


class _Absent(ValueError):
    """A source that a row does not offer; one that it offers but cannot be used is a ValueError."""


def _estimate(row: Mapping, measure: str, basis: str, method: str, crossover: bool) -> tuple:
    arms_first = measure in COUNTED and not crossover
    sources = (_from_arms, _from_report) if arms_first else (_from_report, _from_arms)
    if basis == "reported" or measure in ("GEN", "HR", "COR"):
        sources = (_from_report,)
    if basis == "arms" or method != "inverse_variance" or SHARED in row:
        sources = (_from_arms,)
    elif not crossover:
        sources += (_from_p,)
    reasons = []
    for source in sources:
        try:
            yi, vi, origin = source(row, measure, method, crossover)
        except _Absent as error:
            reasons.append(str(error))
            continue
        origin += "_shared" * (SHARED in row)
        if not (np.isfinite(yi) and 1 / LARGEST < vi < np.inf):
            raise ValueError("the sampling variance is not positive")
        return yi, vi, origin
    raise ValueError(", ".join(dict.fromkeys(filter(None, reasons))))


def _reported(row: Mapping, measure: str) -> tuple[float, float]:
    """The reported effect as it is printed, and on the scale on which it is pooled."""
    effect, kind = _number(row, "effect"), _text(row, "effect_measure")
    if np.isnan(effect):
        raise _Absent("no effect reported")
    if measure == "GEN" and kind in RATIO_KINDS:
        raise ValueError(f"a {_words(kind)} is pooled on the log scale: use its own measure")
    if measure != "GEN" and "effect_measure" in row and kind != REPORTED_AS[measure]:
        raise _Absent(f"the effect is reported as {_words(kind) or 'something unnamed'}")
    if is_ratio(measure) and effect <= 0:
        raise ValueError("a ratio must be above zero")
    if measure == "PROP" and not 0 < effect < 1:
        raise ValueError("a proportion with an interval must lie between 0 and 1")
    if measure == "COR" and not -1 < effect < 1:
        raise ValueError("a correlation must lie between -1 and 1")
    return effect, to_analysis(effect, measure)


def _from_report(row: Mapping, measure: str, method: str, crossover: bool) -> tuple:
    effect, yi = _reported(row, measure)
    se, low, high = (_number(row, f"effect_{name}") for name in ("se", "ci_low", "ci_high"))
    _check_size(effect, se, low, high)
    people = _people(row, measure, crossover)
    if measure == "COR" and not np.isnan(people):
        return *measures.correlation(effect, people), "reported_n"
    if not np.isnan(se):
        # the standard error of a share or of r itself, carried over to logit and z
        steep = {"PROP": effect * (1 - effect), "COR": 1 - effect**2}.get(measure, 1.0)
        return yi, _square(se / steep), "reported_se"
    if not (np.isnan(low) or np.isnan(high)):
        log = is_ratio(measure)
        if measure in SINGLE:
            low, high = to_analysis(low, measure), to_analysis(high, measure)
        df = _interval_df(row, measure, crossover)
        df = None if np.isnan(df) else df
        return yi, measures.se_from_ci(low, high, df, log=log) ** 2, "reported_ci"
    p_value = _exact_p(row)
    if crossover and not np.isnan(p_value):
        df = people - 1 if people > 1 else None
        return yi, measures.se_from_p(yi, p_value, df) ** 2, "paired"
    raise _Absent("no standard error or interval" if measure != "COR" else
                  "its people are not known: fill in intervention_n, or n_analysed of the study")


def _from_p(row: Mapping, measure: str, method: str, crossover: bool) -> tuple:
    """A reported effect of a parallel trial with an exact p value: t for means, else z."""
    p_value = _exact_p(row)
    if np.isnan(p_value) or measure in SINGLE:
        raise _Absent("")
    _, yi = _reported(row, measure)
    df = _degrees(row, crossover) if measure in _FROM_MEANS else np.nan
    df = _number(row, "effect_df") if np.isnan(df) else df
    return yi, measures.se_from_p(yi, p_value, None if np.isnan(df) else df) ** 2, "reported_p"


def _from_arms(row: Mapping, measure: str, method: str, crossover: bool) -> tuple:
    if measure == "PROP":
        cells = _number(row, "intervention_events"), _number(row, "intervention_n")
        if np.isnan(cells).any():
            raise _Absent("events and people are not given")
        return *measures.proportion(*cells), "arms"
    if measure in COUNTED:
        counts = _arms(row, "events", "time" if measure == "IRR" else "n")
        if np.isnan(counts).any():
            what = "events and person-time" if measure == "IRR" else "counts"
            raise _Absent(f"{what} are not given for both arms")
        if crossover:
            raise ValueError("counts of a crossover trial do not show its pairs: "
                             "give the paired effect with its error")
        make = measures.peto_odds_ratio if method == "peto" else _FROM_COUNTS[measure]
        return *make(*counts), "arms"
    if measure not in _FROM_MEANS:
        raise _Absent("arms do not show this effect")
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


def _exact_p(row: Mapping) -> float:
    return _number(row, "p_value") if _text(row, "p_relation") in ("", "=") else np.nan


def _interval_df(row: Mapping, measure: str, crossover: bool) -> float:
    """Degrees of freedom of a row's own interval; NaN where it rests on z."""
    stated = _number(row, "effect_df")
    if not np.isnan(stated):
        return stated
    df = _degrees(row, crossover) if measure == "MD" else np.nan
    return df if 0 < df < FEWEST_FOR_Z else np.nan


def _degrees(row: Mapping, crossover: bool) -> float:
    """Degrees of freedom of a t test of two means; NaN where an arm does not say its people."""
    one, two = _number(row, "intervention_n"), _number(row, "control_n")
    df = min(one, two) - 1 if crossover else one + two - 2
    return df if df > 0 else np.nan


def _count_participants_once(table: pd.DataFrame, rows: pd.DataFrame) -> None:
    """Leave one included row per group of participants: main role first, own trial, file order."""
    people = rows["study"].reset_index(drop=True)
    if "participants_of" in rows:
        people = rows["participants_of"].reset_index(drop=True).fillna(people)
    role = rows["pool_role"].reset_index(drop=True) if "pool_role" in rows else None
    second = (role == "sensitivity") if role is not None else pd.Series(False, index=table.index)
    rank = pd.DataFrame({"role": second.fillna(False), "borrowed": people != table["study"]})
    chosen: dict[str, list[int]] = {}
    for position in rank[table["included"]].sort_values(["role", "borrowed"], kind="stable").index:
        kept = chosen.setdefault(people[position], [])
        same = [other for other in kept if not _apart(table.loc[position], table.loc[other])]
        if same:
            reason = _repeated(table.loc[position], table.loc[same[0]], second[position])
            table.loc[position, ["included", "reason"]] = (False, reason)
        else:
            kept.append(position)


def _apart(one: pd.Series, other: pd.Series) -> bool:
    """Whether two rows of one study are about different people of it.

    They are when their strata differ, or when they are arms that have split their control group.
    """
    strata = {one["stratum"], other["stratum"]}
    apart = len(strata) == 2 and "" not in strata
    split = one["derived_from"] == other["derived_from"] == "arms_shared"
    return one["study"] == other["study"] and (apart or split)


def _repeated(row: pd.Series, kept: pd.Series, second: bool) -> str:
    if row["study"] != kept["study"]:
        return f"shares participants with {kept['study']}, counted once"
    what = "sensitivity row of the same trial" if second else "same trial"
    return f"{what} as {kept['outcome_id']}, participants counted once"


def _is_crossover(row: Mapping) -> bool:
    contrast = _text(row, "contrast")
    return contrast == "crossover_paired" or (not contrast and "crossover" in _text(row, "design"))


def _people(row: Mapping, measure: str, crossover: bool) -> float:
    """People analysed in both arms; what the study says where the row is silent.

    A row about one stratum of its study does not take the people of the whole study.
    """
    arms = [_number(row, "intervention_n"), _number(row, "control_n")]
    if SHARED in row:
        return arms[0] + row["counted_n"]
    if measure in SINGLE and not np.isnan(arms[0]):
        return arms[0] if measure == "PROP" else np.nansum(arms)
    if not np.isnan(arms).any():
        return max(arms) if crossover else sum(arms)
    for name in ("n_analysed", "n_randomised"):
        if not np.isnan(_number(row, name)) and not _text(row, "stratum"):
            return _number(row, name)
    return np.nan


def _arms(row: Mapping, *names: str) -> list[float]:
    return [_number(row, f"{arm}_{name}") for arm in ARMS for name in names]


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
