"""Effects and their synthesis.

In: rows of outcomes as DataFrames. Out: effects with variances, and pools with intervals, as frozen
objects and as DataFrames. Effects are intervention minus control, or over control.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["multiverse", "pairing"],
    submod_attrs={
        "analyses": [
            "Analyses", "analysis_rows", "derived_tables", "effects_table", "in_brief", "left_out",
            "run_analyses",
        ],
        "effects": ["METHOD_MEASURES", "outcome_effects"],
        "estimators": ["DEFAULT_RULE"],
        "multiverse": ["Multiverse", "explore"],
        "outlook": ["ABOVE", "BELOW", "INCLUDES", "NewTrialMap", "new_trial_map", "share_beyond"],
        "regression": ["fit_regression"],
        "remarks": ["pooled_row_remarks", "table_remarks"],
        "synthesis": [
            "SMALLEST_POOL", "ExcludedRow", "Pool", "favours_words", "pool_frame", "synthesise",
        ],
    },
)
