"""Reviews made from a seed: any number of studies with ten outcomes each, everything reported.

Every outcome gives its effect in two ways (arms and effect, interval and standard error), as a
careful curator would, so that a number that goes wrong contradicts another one.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np

Z95 = 1.959963984540054
PER_CONDITION = 100
MEANS = ("pain", "fatigue", "sleep", "function", "mood", "crp")
COUNTS = ("response", "remission", "relapse", "rescue")
DOMAINS = MEANS + COUNTS
WORDS = ("Été", "Größe, in two parts", 'the so-called "floor"', "niño", "plain", "=SUM of parts")


def files(
    studies: int, seed: int = 1, domains: tuple[str, ...] = DOMAINS
) -> dict[str, str]:
    """Text of the files of a review by their path: `studies` trials, an outcome for each domain.

    One analysis pools each domain over all trials, and one each domain within each condition of a
    hundred trials.
    """
    random = np.random.default_rng(seed)
    keys = [f"{_word(number)}{2000 + number % 24}" for number in range(studies)]
    condition = [f"condition_{number // PER_CONDITION:02d}" for number in range(studies)]
    sizes = random.integers(20, 200, (studies, 2))
    rows = [
        {"study": key, "condition": condition[i], "design": "rct_parallel",
         "status": "published", "n_randomised": int(sizes[i].sum()), "randomised": "true",
         "placebo_controlled": "true", "duration_weeks": int(random.integers(4, 52)),
         "age_mean": f"{random.uniform(20, 70):.1f}", "verification": "primary",
         "conclusion": WORDS[i % len(WORDS)]}
        for i, key in enumerate(keys)
    ]  # fmt: skip
    outcomes = [
        _outcome(random, key, name, sizes[i]) for i, key in enumerate(keys) for name in domains
    ]
    return {
        "references.bib": "\n".join(_reference(key, i) for i, key in enumerate(keys)),
        "data/review.csv": "item,value\ntitle,A generated review\n",
        "data/studies.csv": _text(rows),
        "data/outcomes.csv": _text(outcomes),
        "data/analyses.csv": _text(_analyses(keys, condition, domains)),
    }


def write(root: Path, texts: dict[str, str]) -> Path:
    """Write the files of a review below `root` and return it."""
    for name, text in texts.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode("utf-8"))
    return root


def _word(number: int) -> str:
    """A surname for each number: letters only, since a year follows it in the key."""
    before, last = divmod(number, 26)
    return (_word(before) if before else "author") + chr(ord("a") + last)


def _reference(key: str, number: int) -> str:
    family, year = _word(number).title(), key[-4:]
    return (f"@article{{{key},\n  author = {{{family}, Ann and M{{\\\"u}}ller, Bea}},\n"
            f"  title = {{Trial {number} of {{Tea}} against cold feet}},\n"
            f"  journal = {{Journal of Tea}},\n  year = {{{year}}},\n  volume = {{{number + 1}}},\n"
            f"  pages = {{1--9}},\n  doi = {{10.1000/trial.{number}}},\n}}\n")


def _outcome(random: np.random.Generator, study: str, domain: str, sizes: np.ndarray) -> dict:
    n1, n2 = (int(size) for size in sizes)
    row = {
        "outcome_id": f"{study}-{domain}", "study": study, "domain": domain,
        "higher_is": "better" if domain in COUNTS else "worse", "week": 12,
        "is_primary": "true" if domain == "pain" else "false", "contrast": "between_arms",
        "intervention_n": n1, "intervention_mean": "", "intervention_sd": "",
        "intervention_events": "", "intervention_pct": "", "control_n": n2, "control_mean": "",
        "control_sd": "", "control_events": "", "control_pct": "",
    }  # fmt: skip
    if domain in COUNTS:
        e1, e2 = (int(random.integers(2, size // 2)) for size in sizes)
        row |= {"intervention_events": e1, "control_events": e2,
                "intervention_pct": f"{100 * e1 / n1:.1f}", "control_pct": f"{100 * e2 / n2:.1f}"}
        effect = np.log(e1 / n1) - np.log(e2 / n2)
        se = np.sqrt(1 / e1 - 1 / n1 + 1 / e2 - 1 / n2)
        shown = np.exp([effect, effect - Z95 * se, effect + Z95 * se])
    else:
        m1, m2 = (round(float(random.normal(50, 5)), 2) for _ in sizes)
        s1, s2 = (round(float(random.uniform(8, 12)), 2) for _ in sizes)
        row |= {"intervention_mean": f"{m1:.2f}", "control_mean": f"{m2:.2f}",
                "intervention_sd": f"{s1:.2f}", "control_sd": f"{s2:.2f}"}
        effect, se = m1 - m2, np.sqrt(s1**2 / n1 + s2**2 / n2)
        shown = np.array([effect, effect - Z95 * se, effect + Z95 * se])
    names = ("effect", "effect_ci_low", "effect_ci_high")
    return row | {
        "effect_measure": "risk_ratio" if domain in COUNTS else "mean_difference",
        **{name: f"{value:.4f}" for name, value in zip(names, shown, strict=True)},
        "effect_se": f"{se:.4f}", "poolable": "true", "verification": "primary",
        "source": study, "source_where": "Table 2", "note": WORDS[n1 % len(WORDS)],
    }  # fmt: skip


def _analyses(keys: list[str], condition: list[str], domains: tuple[str, ...]) -> list[dict]:
    groups = {"all": keys}
    for key, name in zip(keys, condition, strict=True):
        groups.setdefault(name, []).append(key)
    return [
        {"analysis": f"{domain}_{name}", "title": f"{domain}, {name}",
         "measure": "RR" if domain in COUNTS else "SMD" if domain == "crp" else "MD",
         "include": _included(domain, name, members),
         "role": "primary" if name == "all" else "sensitivity",
         "parent": "" if name == "all" else f"{domain}_all", "tau2_method": "REML",
         "rationale": "Generated"}
        for domain in domains for name, members in groups.items()
    ]  # fmt: skip


def _included(domain: str, name: str, members: list[str]) -> str:
    """Ids of an analysis one by one; of all studies a filter, since a cell has an end."""
    return f"domain = {domain}" if name == "all" else ";".join(f"{key}-{domain}" for key in members)


def _text(rows: list[dict]) -> str:
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue()
