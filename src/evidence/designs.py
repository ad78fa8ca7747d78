"""Study designs: their words and, in every plot, their marks."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True, slots=True)
class Design:
    """Words for tables (`words`) and figures (`short`), and the marker of matplotlib."""

    words: str
    short: str
    marker: str


DESIGNS = {
    "rct_parallel": Design("randomised trial, parallel arms", "parallel trial", "s"),
    "rct_crossover": Design("randomised trial, crossover", "crossover trial", "D"),
    "single_blind_fixed_order": Design(
        "placebo first, then drug, fixed order", "fixed order, placebo first", "P"
    ),
    "single_arm": Design("one arm, no control", "one arm, no control", "o"),
    "retrospective": Design("retrospective", "retrospective", "^"),
    "register_before_after": Design("register, before and after", "register", "v"),
    "case_report": Design("case report", "case report", "X"),
    "protocol": Design("protocol, no results", "protocol", "s"),
    "systematic_review": Design("systematic review", "systematic review", "h"),
    "meta_analysis": Design("meta-analysis", "meta-analysis", "h"),
    "narrative_review": Design("narrative review", "narrative review", "h"),
    "laboratory": Design("laboratory study", "laboratory", "h"),
    "not_applicable": Design("not a study", "not a study", "h"),
}


NOT_STATED = Design("not stated", "not stated", "h")


def design(code: object) -> Design:
    """The design of a code; an unknown code keeps its own words, an empty one is not stated."""
    if pd.isna(code) or code == "":
        return NOT_STATED
    words = str(code).replace("_", " ")
    return DESIGNS.get(str(code), Design(words, words, "h"))
