"""What a notebook needs beyond pandas and matplotlib.

In: a review. Out: sentences, tables with citations, pictures, and the controls of the exploring
notebook; a notebook narrates and shows, it computes nothing.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["explore", "judged", "lookup", "summaries"],
    submod_attrs={
        "narrator": ["Narrator"],
        "selection": ["SEPARATOR", "grouped", "measurable"],
        "still": ["STILL"],
    },
)
