"""A review of one trial that builds in seconds, for tests of the build."""

import nbformat

NOTEBOOK = """from evidence.notebook import Narrator
n = Narrator()
n.say("{{review.title}} {name}: {{{value}}}")"""
VALUES = {"alpha": "studies[smith2020].n_randomised", "beta": "outcomes[smith2020-pain].effect:.1f",
          "gamma": "review.question"}


def write_notebook(path, *sources):
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(s) for s in sources])
    path.parent.mkdir(exist_ok=True)
    nbformat.write(book, path)


def write_sample(root):
    """A review of one trial with one figure and three notebooks that read different tables."""
    (root / "data").mkdir(parents=True)
    (root / "references.bib").write_text(
        "@article{smith2020,\n  title = {A trial},\n  author = {Smith, Ann},\n"
        "  year = {2020},\n  doi = {10.1000/1},\n}\n"
    )
    tables = {
        "review": "item,value\ntitle,A sample\nquestion,Does it build?\n",
        "studies": "study,condition,design,n_randomised\nsmith2020,pain,rct_parallel,40\n",
        "outcomes": "outcome_id,study,domain,higher_is,contrast,effect_measure,effect,effect_se,"
                    "poolable,verification\n"
                    "smith2020-pain,smith2020,pain,worse,between_arms,mean_difference,-0.5,0.2,"
                    "true,primary\n",
        "analyses": "analysis,title,measure,include,role\npain,Pain,MD,smith2020-pain,primary\n",
        "figures": "figure,kind,notebook,select,message,subtitle,caption\n"
                   "studies,landscape,alpha,,{n_studies} study,All studies,\n",
    }
    for name, text in tables.items():
        (root / "data" / f"{name}.csv").write_text(text)
    for name, value in VALUES.items():
        write_notebook(root / "notebooks" / f"{name}.ipynb",
                       NOTEBOOK.format(name=name, value=value))
    return root


def shown(root):
    """Everything that a reader of the review finds."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for folder in ("figures", "notebooks", "data/derived")
        for path in sorted((root / folder).rglob("*")) if path.is_file()
    }


def edit(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
