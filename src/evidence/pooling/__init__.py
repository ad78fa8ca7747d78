"""Effects and their synthesis.

In: rows of outcomes as DataFrames. Out: effects with variances, and pools with intervals, as frozen
objects and as DataFrames. Effects are intervention minus control, or over control.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "analyses": [
            "Analyses", "Analysis", "analysis_rows", "effects_table", "pooled_table",
            "run_analyses",
        ],
        "effects": ["outcome_effects"],
        "estimators": ["DEFAULT_RULE"],
        "measures": ["Z95"],
        "multiverse": ["Multiverse", "explore", "leave_one_out"],
        "outlook": ["ABOVE", "BELOW", "INCLUDES", "NewTrialMap", "new_trial_map", "share_beyond"],
        "remarks": ["left_out", "pooled_row_remarks", "table_remarks"],
        "synthesis": [
            "MEASURE_WORDS", "METHOD_WORDS", "RULE_WORDS", "SMALLEST_POOL", "ExcludedRow",
            "Synthesis", "favours_words", "synthesise",
        ],
    },
)
