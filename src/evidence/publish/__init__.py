"""What leaves the repository: slides, web pages, archives of figures, the page of the dictionary.

In: figures, notebooks and tables that are made. Out: bytes of files; nothing is computed here.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "bundle": ["bundle", "save", "talk"],
        "dictionary_page": ["is_written", "readme"],
        "slides.deck": ["figure_deck"],
        "site": ["FOLDER", "FRONT", "write"],
    },
)
