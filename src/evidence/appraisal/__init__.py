"""How far the evidence can be trusted, and what it lacks.

In: a review and its pools. Out: risk of bias, certainty, information size, gaps, harms, published
pools and the census, as DataFrames.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["bias", "certainty", "flow", "gaps", "harms", "information"],
    submod_attrs={
        "bias": [
            "anchor", "disagreements", "evidence_of_answers", "judged_results", "judgements",
            "risk_of_bias",
        ],
        "census": ["awaiting", "census", "offer_census", "pico", "remarks"],
        "certainty": [
            "AGAIN", "LEVELS", "certainty_table", "level_number", "level_signs", "offer_ratings",
            "rating_disagreements", "summary_of_findings",
        ],
        "flow": ["NO_ERROR", "WITHIN", "Step", "search_steps", "study_flow", "unpooled"],
        "gaps": ["MARKERS", "compared", "gap_map", "root_people", "unread_markers", "waiting"],
        "information": ["ALPHA", "POWER", "RATIO", "SD_UNITS", "information_size", "pooled_sd"],
        "published": ["beside_ours"],
        "rob2": [
            "ANSWER_WORDS", "DOMAINS", "HIGH", "LOW", "QUESTIONS", "SOME", "TOOL", "VERSION",
        ],
    },
)
