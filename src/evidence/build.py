"""The whole review at once: check, analyse, run the notebooks, export the figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from tqdm import tqdm

from evidence import answers, exhibits, export
from evidence.analysis import POOLED, derived_texts, run_analyses
from evidence.data_readme import readme
from evidence.facts import review_facts
from evidence.files import write_bytes
from evidence.prose import without_citations
from evidence.review import Review, load_review
from evidence.runner import execute_all


@dataclass(frozen=True, slots=True)
class Built:
    """What a build did.

    Attributes
    ----------
    review : Review
    answer : tuple of str
        The answer for the first audience, without citations.
    moved : tuple of str
        Headline numbers that differ from those of the last build.
    changed : tuple of Path
        Files whose content changed.
    figures : int
        Figures exported.
    """

    review: Review
    answer: tuple[str, ...]
    moved: tuple[str, ...]
    changed: tuple[Path, ...]
    figures: int


def build(root: Path | None = None) -> Built:
    """Check, analyse, run all notebooks, export all figures, then write what changed.

    Nothing is written before everything has succeeded.

    Raises
    ------
    ReviewError
        With every problem of tables, references, figures or notebooks.
    """
    review = load_review(root)
    analyses = run_analyses(review)
    facts = review_facts(review, analyses)
    names = list(exhibits.specs(review))
    notebooks = sorted((review.root / "notebooks").glob("[!.]*.ipynb"))
    files: dict[Path, bytes] = {}
    with tqdm(total=len(names) + len(notebooks), unit="step", desc="Building") as bar:
        built = {}
        for name in names:
            bar.set_postfix_str(name)
            built[name] = exhibits.build(review, analyses, name)
            for kind, content in export.render(built[name]).items():
                files[review.root / "figures" / f"{name}.{kind}"] = content
            bar.update()
        bar.set_postfix_str("notebooks")
        texts = execute_all(notebooks, lambda path: bar.update())
        bar.set_postfix_str("")
    derived = derived_texts(analyses)
    audience = next(iter(answers.audiences(review)), "")
    answer = answers.lines(review, facts, audience) if audience else []
    moved = moved_headlines(review.root / POOLED, derived[POOLED])
    texts |= {review.root / name: text for name, text in derived.items()}
    if names:
        texts[review.root / "figures" / "manifest.json"] = export.manifest(review, built)
    if not review.dictionary.is_default:
        texts[review.root / "data" / "README.md"] = readme(review.dictionary)
    new_readme = answers.update_readme(review.root / "README.md", answer, review)
    if new_readme:
        texts[review.root / "README.md"] = new_readme
    files |= {path: text.encode("utf-8") for path, text in texts.items()}
    changed = tuple(path for path, content in files.items() if write_bytes(path, content))
    plain = tuple(without_citations(line) for line in answer)
    return Built(review, plain, moved, changed, len(names))


def moved_headlines(old: Path, new: str) -> tuple[str, ...]:
    """Estimates that moved since the last build, as "pain: −0.22 → −0.31".

    Parameters
    ----------
    old : Path
        pooled.csv of the last build; may be absent.
    new : str
        Text of pooled.csv of this build.
    """
    from io import StringIO

    if not old.exists():
        return ()
    before, after = _headlines(pd.read_csv(old)), _headlines(pd.read_csv(StringIO(new)))
    lines = []
    for name in dict.fromkeys([*before, *after]):
        was, now = before.get(name, "none"), after.get(name, "none")
        if was != now:
            lines.append(f"{name}: {was} → {now}")
    return tuple(lines)


def _headlines(pooled: pd.DataFrame) -> Mapping[str, Any]:
    chosen = pooled[pooled["is_default"].astype(str).str.lower() == "true"]
    return {
        row["analysis"]: (
            f"{row['estimate']:.2f} ({row['ci_low']:.2f} to {row['ci_high']:.2f})"
        ).replace("-", "\N{MINUS SIGN}")
        for _, row in chosen.iterrows() if pd.notna(row["estimate"])
    }
