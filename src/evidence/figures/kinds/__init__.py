"""Kinds of figure that any review may use; importing this package registers them."""

from evidence.figures.forest import event_forest, kind, published
from evidence.figures.kinds import (
    answer,
    arms,
    bubble,
    changes,
    directions,
    funnel,
    gap_map,
    information_size,
    landscape,
    multiverse,
    new_trial,
    risk_of_bias,
    study_flow,
    threshold,
    timecourse,
)
