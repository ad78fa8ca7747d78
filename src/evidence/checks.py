"""Domain checks: what the tables must satisfy beyond their dictionary.

Each check is a small function that takes the tables and yields problems. A check on a column
applies only where the column is present.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from evidence.bibliography import Bibliography
from evidence.dictionary import Dictionary
from evidence.problems import Problem

Z95 = 1.959963984540054
SE_TOLERANCE = 0.06  # an interval may rest on t instead of z
ROUNDING = 1e-6
RATIOS = ("risk_ratio", "odds_ratio", "incidence_rate_ratio", "hazard_ratio")
INTERVALS = (  # columns: low, estimate, high
    ("effect_ci_low", "effect", "effect_ci_high"),
    ("ci_low", "effect", "ci_high"),
    ("intervention_change_ci_low", "intervention_change", "intervention_change_ci_high"),
    ("control_change_ci_low", "control_change", "control_change_ci_high"),
    ("low_nm", "value_nm", "high_nm"),
)
SHARED_FIELDS = {  # column of a reference table: field of the bibliography
    "title": "title", "year": "year", "volume": "volume", "number": "number", "pages": "pages",
    "doi": "doi", "pmid": "pmid", "pmcid": "pmcid", "registry_id": "registry", "url": "url",
    "fields_unverified": "unverified", "aliases": "aliases",
}


@dataclass(frozen=True, slots=True)
class Context:
    """Everything a check may look at."""

    dictionary: Dictionary
    tables: Mapping[str, pd.DataFrame]
    bibliography: Bibliography | None
    root: Path

    def file(self, table: str) -> str:
        return f"data/{self.dictionary.tables[table]['path']}"

    def problem(self, table: str, index, column: str, rule: str, advice: str, warn=False):
        value = self.tables[table].at[index, column] if column in self.tables[table] else ""
        shown = "" if pd.isna(value) else str(value)
        return Problem(self.file(table), int(index) + 2, column, shown, rule, advice, warn)


def domain_problems(
    dictionary: Dictionary,
    tables: Mapping[str, pd.DataFrame],
    bibliography: Bibliography | None,
    root: Path,
) -> list[Problem]:
    """All that the domain checks find, errors and warnings together."""
    context = Context(dictionary, tables, bibliography, root)
    return [problem for check in CHECKS for problem in check(context)]


def _finite_numbers(c: Context) -> Iterator[Problem]:
    for name, table in c.tables.items():
        for column in table.select_dtypes("float64"):
            for index in table.index[np.isinf(table[column])]:
                yield c.problem(name, index, column, "is not a finite number", "check the value")


def _intervals_bracket(c: Context) -> Iterator[Problem]:
    for name, table in c.tables.items():
        for low, middle, high in INTERVALS:
            if not {low, high} <= set(table):
                continue
            reversed_ = table[low] > table[high] + ROUNDING
            for index in table.index[reversed_]:
                yield c.problem(name, index, low, "is above the upper limit", "swap the limits")
            if middle not in table:
                continue
            value = table[middle]
            outside = (value < table[low] - ROUNDING) | (value > table[high] + ROUNDING)
            for index in table.index[outside & ~reversed_]:
                limits = f"{table.at[index, low]:g} to {table.at[index, high]:g}"
                yield c.problem(name, index, middle, f"lies outside its interval {limits}",
                                "check estimate and limits against the source")


def _events_fit(c: Context) -> Iterator[Problem]:
    for name, table in c.tables.items():
        participants = table.get("unit", pd.Series("participants", table.index)) != "events"
        for arm in ("intervention", "control"):
            events, n = f"{arm}_events", f"{arm}_n"
            if not {events, n} <= set(table):
                continue
            for index in table.index[(table[events] > table[n]).fillna(False) & participants]:
                yield c.problem(name, index, events,
                                f"is more than the {table.at[index, n]} people of the arm",
                                "check events and n")


def _standard_errors_agree(c: Context) -> Iterator[Problem]:
    for name, table in c.tables.items():
        if not {"effect_se", "effect_ci_low", "effect_ci_high"} <= set(table):
            continue
        for index, row in table.iterrows():
            low, high = row["effect_ci_low"], row["effect_ci_high"]
            if pd.isna(row["effect_se"]) or pd.isna(low) or pd.isna(high):
                continue
            if row.get("effect_measure") in RATIOS:
                if low <= 0:
                    yield c.problem(name, index, "effect_ci_low", "a ratio must be above 0",
                                    "check the limit")
                    continue
                low, high = math.log(low), math.log(high)
            implied = (high - low) / (2 * Z95)
            if abs(row["effect_se"] - implied) > SE_TOLERANCE * max(implied, ROUNDING) + 5e-4:
                yield c.problem(name, index, "effect_se",
                                f"does not fit its interval, which implies {implied:.4g}",
                                "mend the standard error or the limits")


def _sign_follows_arms(c: Context) -> Iterator[Problem]:
    for name, table in c.tables.items():
        if not {"effect", "effect_measure"} <= set(table):
            continue
        for index, row in table.iterrows():
            effect = row["effect"]
            if pd.isna(effect):
                continue
            if row["effect_measure"] in RATIOS:
                if effect <= 0:
                    yield c.problem(name, index, "effect", "a ratio must be above 0", "check it")
                    continue
                effect = math.log(effect)
            implied = [d for d in _implied_differences(row) if not pd.isna(d)]
            if implied and abs(effect) > ROUNDING and all(d * effect < 0 for d in implied):
                yield c.problem(name, index, "effect",
                                f"has the opposite sign of its arms ({implied[0]:+.4g})",
                                "effects are intervention minus control: check the sign")


def _implied_differences(row: pd.Series) -> list[float]:
    """Differences between the arms that a row allows, of the kind that its effect is."""
    def difference(column: str) -> float:
        both = [row.get(f"{arm}_{column}", np.nan) for arm in ("intervention", "control")]
        return np.nan if any(pd.isna(v) for v in both) else float(both[0]) - float(both[1])

    measure, estimand = row["effect_measure"], str(row.get("estimand", ""))
    if measure in (*RATIOS, "risk_difference"):
        shares = [
            row.get(f"{arm}_events", np.nan) / row.get(f"{arm}_n", np.nan)
            for arm in ("intervention", "control")
        ]
        return [shares[0] - shares[1]] if not any(pd.isna(s) for s in shares) else []
    if measure == "percent_point_difference":
        return [difference("pct"), difference("change_pct")]
    if measure not in ("mean_difference", "standardised_mean_difference"):
        return []
    levels = difference("mean")
    changes = difference("change")
    if pd.isna(changes):
        changes = levels - difference("baseline_mean")
    if "change" in estimand and not pd.isna(changes):
        return [changes]
    if "level" in estimand and not pd.isna(levels):
        return [levels]
    return [levels, changes]


def _favours_follows_effect(c: Context) -> Iterator[Problem]:
    for name, table in c.tables.items():
        if not {"favours", "effect", "higher_is", "effect_measure"} <= set(table):
            continue
        for index, row in table.iterrows():
            if pd.isna(row["effect"]) or pd.isna(row["higher_is"]):
                continue
            null = 1.0 if row["effect_measure"] in RATIOS else 0.0
            if row["effect"] == null or row["favours"] in ("neither", "not_applicable"):
                continue
            better = (row["effect"] > null) == (row["higher_is"] == "better")
            if pd.notna(row["favours"]) and (row["favours"] != "control") != better:
                yield c.problem(name, index, "favours", "contradicts the sign of the effect",
                                "check effect, higher_is and favours")


def _values_on_scale(c: Context) -> Iterator[Problem]:
    columns = [f"{a}_{s}" for a in ("intervention", "control") for s in ("baseline_mean", "mean")]
    for name, table in c.tables.items():
        if not {"scale_low", "scale_high"} <= set(table):
            continue
        for column in [column for column in columns if column in table]:
            outside = (table[column] < table["scale_low"]) | (table[column] > table["scale_high"])
            for index in table.index[outside]:
                yield c.problem(name, index, column, "lies outside its scale",
                                "check the value, scale_low and scale_high")


def _sources_known(c: Context) -> Iterator[Problem]:
    for name, table in c.tables.items():
        for column, field in c.dictionary.fields(name).items():
            target = field.get("refersTo")
            if not target or column not in table:
                continue
            if target == "references.bib":
                if c.bibliography is None:
                    continue
                known, place = c.bibliography, "references.bib"
            else:
                other, key = target.split(".")
                if other not in c.tables:
                    continue
                known, place = set(c.tables[other][key].astype(str)), f"column {target}"
            for index, cell in table[column].dropna().items():
                for value in _items(cell, field):
                    if value not in known:
                        yield Problem(c.file(name), index + 2, column, value,
                                      f"is not in {place}", "mend the key, or add it there")


def _items(cell: object, field: Mapping) -> list[str]:
    if not field.get("list"):
        return [str(cell)]
    return [part.strip() for part in str(cell).split(";") if part.strip()]


def _numbers_traceable(c: Context) -> Iterator[Problem]:
    for name, table in c.tables.items():
        fields = c.dictionary.fields(name)
        numeric = [
            column for column in table
            if fields.get(column, {}).get("type") in ("number", "integer")
            and column not in c.dictionary.primary_key(name)
        ]
        if not numeric:
            continue
        with_numbers = table[numeric].notna().any(axis=1)
        for column, advice in (
            ("verification", "say primary, secondary, derived or unverified"),
            ("source_where", "name the table, page or section"),
        ):
            if column in table:
                for index in table.index[with_numbers & table[column].isna()]:
                    yield c.problem(name, index, column, "a number needs this", advice)


def _poolable_has_enough(c: Context) -> Iterator[Problem]:
    table = c.tables.get("outcomes")
    if table is None or "poolable" not in table:
        return
    for index, row in table[table["poolable"].fillna(False)].iterrows():
        def present(*columns: str, row=row) -> bool:
            return all(column in row and pd.notna(row[column]) for column in columns)

        arms = ("intervention", "control")
        counts = present(*[f"{arm}_{part}" for arm in arms for part in ("events", "n")])
        means = present(*[f"{arm}_{part}" for arm in arms for part in ("mean", "sd", "n")])
        effect = present("effect") and (
            present("effect_se") or present("effect_ci_low", "effect_ci_high")
        )
        if not (counts or means or effect):
            yield c.problem("outcomes", index, "poolable", "has not enough to be pooled",
                            "give counts, or means with SDs, or an effect with its error")
        if row.get("verification") == "unverified":
            yield c.problem("outcomes", index, "poolable", "an unverified value is never pooled",
                            "set poolable to false, or verify the value")
        if row.get("contrast") == "within_arm":
            yield c.problem("outcomes", index, "poolable", "a change within one arm has no control",
                            "set poolable to false")
        if "higher_is" in table and pd.isna(row["higher_is"]):
            yield c.problem("outcomes", index, "higher_is", "a pooled value needs its direction",
                            "say whether higher is worse or better")


def _retracted_supports_nothing(c: Context) -> Iterator[Problem]:
    if c.bibliography is None:
        return
    retracted = {key for key in c.bibliography if c.bibliography[key].is_retracted}
    if not retracted:
        return
    for name, table in c.tables.items():
        for column, field in c.dictionary.fields(name).items():
            if field.get("refersTo") != "references.bib" or column not in table:
                continue
            for index, cell in table[column].dropna().items():
                keys = set(_items(cell, field))
                row = table.loc[index]
                supports = row.get("stance") == "supports" and keys <= retracted
                pooled = row.get("poolable") is True or row.get("poolable") is np.True_
                best = column == "best_evidence_keys"
                if keys & retracted and (supports or pooled or best):
                    yield Problem(c.file(name), index + 2, column,
                                  "; ".join(sorted(keys & retracted)),
                                  "a retracted source supports nothing",
                                  "take it out, or change what rests on it")


def _reference_tables_agree(c: Context) -> Iterator[Problem]:
    if c.bibliography is None:
        return
    for name, table in c.tables.items():
        if not name.startswith("references") or "key" not in table:
            continue
        columns = [column for column in SHARED_FIELDS if column in table]
        for index, row in table.iterrows():
            if row["key"] not in c.bibliography:
                continue
            reference = c.bibliography[row["key"]]
            for column in columns:
                here = "" if pd.isna(row[column]) else str(row[column])
                if here != reference[SHARED_FIELDS[column]]:
                    yield c.problem(
                        name, index, column,
                        f"differs from references.bib ('{reference[SHARED_FIELDS[column]]}')",
                        "make the two agree",
                    )


def _references_used(c: Context) -> Iterator[Problem]:
    """Warn of references that neither data nor notebooks name."""
    if c.bibliography is None:
        return
    used: set[str] = set()
    for name, table in c.tables.items():
        if name.startswith("references"):
            continue
        for column, field in c.dictionary.fields(name).items():
            if field.get("refersTo") == "references.bib" and column in table:
                for cell in table[column].dropna():
                    used |= set(_items(cell, field))
    documents = [c.root / "data" / r["path"] for r in c.dictionary.documents.values()]
    texts = [p.read_text(encoding="utf-8") for p in documents if p.is_file()]
    texts += [p.read_text(encoding="utf-8") for p in sorted(c.root.glob("notebooks/*.ipynb"))]
    words = {word for text in texts for word in re.findall(r"[A-Za-z0-9][\w:/.+-]*\w", text)}
    for key in c.bibliography:
        if key not in used and key not in words:
            yield Problem("references.bib", c.bibliography[key].line, key, "",
                          "is never used", "cite it, or delete it", True)


CHECKS: tuple[Callable[[Context], Iterator[Problem]], ...] = (
    _finite_numbers,
    _intervals_bracket,
    _events_fit,
    _standard_errors_agree,
    _sign_follows_arms,
    _favours_follows_effect,
    _values_on_scale,
    _sources_known,
    _numbers_traceable,
    _poolable_has_enough,
    _retracted_supports_nothing,
    _reference_tables_agree,
    _references_used,
)
