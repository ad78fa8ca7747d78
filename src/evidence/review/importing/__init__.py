"""Other people's files: references, results and judgements for a review.

In: names and bytes of files. Out: a `Found`, with a line for each thing that was read otherwise
than it stands there, then the rows and entries that a review gets from it. Nothing is written here.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "kinds": ["Found", "read_columns", "read_files"],
        "rows": ["Additions", "Existing", "additions", "new_texts"],
        "table": ["Options"],
    },
)
