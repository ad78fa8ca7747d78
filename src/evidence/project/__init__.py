"""The work on a review as a project: building, what is fresh, running notebooks, status, starting.

In: the folder of a review. Out: its derived files, whole or not at all, and what was done.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "build": ["build"],
        "derived": ["write_derived"],
        "freshness": ["nothing_changed"],
        "importing": ["import_files", "split_paths"],
        "listing": ["ANYWHERE", "figure_lines", "kind_lines"],
        "processes": ["context"],
        "rehearsal": ["rehearse"],
        "starting": ["new_review", "plain_title"],
        "status": ["reference_remarks", "review_status"],
        "watching": ["watch"],
    },
)
