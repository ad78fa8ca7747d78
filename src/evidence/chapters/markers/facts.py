"""Facts."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import pandas as pd

from evidence.review import LABORATORY, Review, is_true
from evidence.wording import Makers, Records, offers


def controlled_markers(markers: pd.DataFrame) -> pd.DataFrame:
    """Rows of biomarkers.csv with a readable result against a concurrent control."""
    keep = is_true(markers, "controlled") & is_true(markers, "result_available")
    return markers[keep]


MARKER_COUNTS = {  # controlled, result_available; None: either
    "n_markers": (None, None), "n_markers_read": (None, True),
    "n_markers_controlled": (True, True), "n_markers_uncontrolled": (False, True),
    "n_markers_unread": (True, False),
}


def _count_markers(review: Review, controlled: bool | None, readable: bool | None) -> int:
    markers = _laboratory(review)
    keep = pd.Series(True, markers.index)
    for column, wanted in (("controlled", controlled), ("result_available", readable)):
        if wanted is not None:
            keep &= is_true(markers, column) == wanted
    return int(keep.sum())


def _laboratory(review: Review) -> pd.DataFrame:
    markers = review.table("biomarkers")
    if "marker_class" not in markers:
        return markers.iloc[:0]
    return markers[markers["marker_class"].isin(LABORATORY)]


def by_study(review: Review) -> pd.DataFrame:
    """Laboratory markers of inflammation counted by study.

    Returns
    -------
    DataFrame
        Columns study, entries, read (with a readable result), unread (planned or measured with a
        control, no result could be read).
    """
    markers = _laboratory(review)
    read, controlled = is_true(markers, "result_available"), is_true(markers, "controlled")
    counted = markers.assign(entries=1, read=read, unread=controlled & ~read)
    return counted.groupby("study", sort=False)[["entries", "read", "unread"]].sum().reset_index()


@offers
def offer_markers(review: Review, analyses: Mapping[str, Any]) -> Makers:
    """Counts of laboratory markers of inflammation: ``n_markers``, ``n_markers_read`` (with a
    readable result), ``n_markers_controlled`` and ``n_markers_uncontrolled`` (of these with and
    without a control), ``n_markers_unread`` (planned or measured with a control, no result could be
    read), ``n_studies_unread`` (studies of the latter), and ``marker_studies``, the rows of
    `by_study`."""
    if "biomarkers" not in review.tables:
        return {}
    counts = {name: partial(_count_markers, review, *flags)
              for name, flags in MARKER_COUNTS.items()}
    return counts | {
        "n_studies_unread": lambda: int((by_study(review)["unread"] > 0).sum()),
        "marker_studies": lambda: Records(by_study(review), "study"),
    }
