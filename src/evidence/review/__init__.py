"""A review as its folder holds it: what is read, checked and frozen.

In: ``references.bib``, the CSV files of ``data/`` and its dictionary. Out: a `Review` of validated
DataFrames with its references, or every problem found, each with its place and what to do.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["addresses", "importing", "schema"],
    submod_attrs={
        "bibliography": ["CITATION", "Bibliography", "with_citations", "without_citations"],
        "columns": ["among", "is_true", "keys", "number", "word"],
        "dictionary": ["Dictionary", "default_dictionary"],
        "folder": ["BIBLIOGRAPHY", "find_root"],
        "forests": ["forest_rows"],
        "problems": ["NoDataError", "Problem", "ReviewError"],
        "review": [
            "Reads", "Review", "Tables", "load_review", "made_again", "made_once", "noted",
            "warnings_of",
        ],
        "schema": ["names"],
        "studies": [
            "DESIGNS", "LABORATORY", "LEVELS", "counts_own", "design", "is_placebo_trial",
            "people", "primary_studies", "roots", "with_results",
        ],
        "textfile": ["decoded"],
        "vocabulary": [
            "ARMS", "COUNTED", "ESTIMATORS", "MEASURES", "MEASURE_WORDS", "METHOD_WORDS",
            "POOLING_WORDS", "RATIOS", "RATIO_KINDS", "REPORTED_AS", "RULES", "RULE_WORDS", "Z95",
        ],
    },
)
