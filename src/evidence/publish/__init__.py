"""What leaves the repository: slides, web pages, archives of figures, the page of the dictionary.

In: figures, notebooks and tables that are made. Out: bytes of files; nothing is computed here.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "bundle": ["bundle", "save_files"],
        "dictionary_page": ["dictionary_readme", "is_dictionary_readme"],
        "site": ["FRONT_PAGE", "HANDOUT", "write_handout"],
        "slides.deck": ["deck", "figure_deck", "talk_deck", "talk_plan"],
    },
)
