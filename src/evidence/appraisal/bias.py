"""Risk of bias: answers to signalling questions, each with its fact, and what follows from them."""

from __future__ import annotations

import pandas as pd

from evidence.appraisal.rob2 import JUDGEMENTS, domain_of, judge, worst
from evidence.review import Problem, Review, ReviewError, among, made_once, noted

ANSWERS_FILE = "data/bias_answers.csv"
STATEMENT = "statement"
PLACE = ["study", "fact_domain", "fact_topic"]  # of a fact
ELSEWHERE = {  # words of other tools, and what they come to
    "unclear": "some concerns", "moderate": "some concerns", "serious": "high", "critical": "high",
}
COLUMNS = (
    "study", "outcome_id", "crossover", "domain", "answers", "judgement", "unread", "unverified",
)  # fmt: skip


@noted
def judgements(review: Review) -> pd.DataFrame:
    """Judgement of every result that has answers, worked out from them.

    Returns
    -------
    DataFrame
        One row per result and domain, the last being "overall", in the order of the answers;
        columns `COLUMNS`. ``answers`` reads "1.1 Y; 1.2 NI". See `rob2.Judgement`.

    Raises
    ------
    ReviewError
        With the line of every answer that the tool does not know, or at which it stops.
    """
    answers = review.table("bias_answers")
    rows, problems = [], []
    if answers.empty:
        return pd.DataFrame(columns=list(COLUMNS))
    crossovers = _crossovers(review)
    for outcome_id, block in answers.groupby("outcome_id", sort=False):
        study = block["study"].iloc[0]
        given = dict(zip(block["question"], block["answer"], strict=True))
        try:
            judged = judge(given, study in crossovers)
        except ValueError as error:
            problems.append(Problem(ANSWERS_FILE, int(block.index[0]) + 2, "answer", outcome_id,
                                    str(error), "mend or add the answer"))
            continue
        rows += [
            (study, outcome_id, study in crossovers, item.domain,
             "; ".join(f"{question} {answer}" for question, answer in item.answers),
             item.judgement, item.unread, item.unverified)
            for item in judged
        ]
    if problems:
        raise ReviewError(problems)
    return pd.DataFrame(rows, columns=list(COLUMNS))


@made_once
def risk_of_bias(review: Review) -> pd.DataFrame:
    """Judgements with their written reasons and sources from risk_of_bias.csv.

    Returns
    -------
    DataFrame
        `COLUMNS`, reason, source, source_where; the last three empty where nobody has written
        them yet.
    """
    table = judgements(review)
    written = review.table("risk_of_bias")
    texts = ["reason", "source", "source_where"]
    if table.empty and {"outcome_id", "domain", "judgement"} <= set(written):
        return _as_given(written, texts)
    if not {"outcome_id", "domain"} <= set(written):
        return table.assign(**dict.fromkeys(texts))
    written = written.reindex(columns=["outcome_id", "domain", *texts])
    return table.merge(written, how="left", on=["outcome_id", "domain"])


@made_once
def judged_results(review: Review) -> pd.DataFrame:
    """`risk_of_bias` with a column ``result``: what the judged outcome is about, in words."""
    table = risk_of_bias(review)
    domains = review.labels("outcomes", "outcome_id", "domain")
    labels = review.dictionary.words("outcomes", "domain")
    codes = [str(domains.get(name, name)) for name in table["outcome_id"]]
    words = [labels.get(code, code.replace("_", " ")) for code in codes]
    return table.assign(result=words)


def anchor(outcome_id: str) -> str:
    """Id of the place of a page where the judgement of a result stands."""
    return f"judgement-{outcome_id}"


def _as_given(written: pd.DataFrame, texts: list[str]) -> pd.DataFrame:
    """Judgements that nobody worked out here, whatever their domains are called."""
    given = written.dropna(subset=["outcome_id", "domain", "judgement"])
    words = given["judgement"].astype(str).str.replace("_", " ").str.casefold()
    domain = given["domain"].where(given["domain"].str.casefold() != "overall", "overall")
    return given.assign(
        crossover=False, answers="", unread=False, unverified=False, judgement=words, domain=domain,
    ).reindex(columns=[*COLUMNS, *texts]).reset_index(drop=True)


def statements(review: Review) -> pd.DataFrame:
    """What is said in words of studies that the tool does not fit: study, reason, source."""
    columns = ["study", "reason", "source", "source_where"]
    written = review.table("risk_of_bias")
    if written.empty:
        return pd.DataFrame(columns=columns)
    rows = written[written["domain"] == STATEMENT]
    return rows.reindex(columns=columns).reset_index(drop=True)


def disagreements(review: Review) -> list[Problem]:
    """Rows of risk_of_bias.csv whose judgement does not follow from the answers any more."""
    written = review.table("risk_of_bias")
    if written.empty:
        return []
    derived = judgements(review).set_index(["outcome_id", "domain"])
    found = []
    for index, row in written[written["domain"] != STATEMENT].iterrows():
        key = (row["outcome_id"], row["domain"])
        now = derived.loc[key] if key in derived.index else None
        for column in ("answers", "algorithm", "judgement"):
            derived_from = "answers" if column == "answers" else "judgement"
            if column in row and (now is None or row[column] != now[derived_from]):
                follows = "nothing" if now is None else f"'{now[derived_from]}'"
                found.append(Problem("data/risk_of_bias.csv", int(index) + 2, column,
                                     str(row[column]), f"the answers give {follows}",
                                     "judge again, and write why", True))
    return found


def overall(review: Review) -> dict[str, str]:
    """Overall judgement by outcome_id."""
    table = judgements(review)
    rows = table[table["domain"] == "overall"]
    return dict(zip(rows["outcome_id"], rows["judgement"], strict=True))


def by_study(review: Review) -> dict[str, str]:
    """Overall judgement by study, the worst of its judged results, in the words of RoB 2."""
    table = risk_of_bias(review).replace({"judgement": ELSEWHERE})
    rows = table[(table["domain"] == "overall") & table["judgement"].isin(JUDGEMENTS)]
    return rows.groupby("study")["judgement"].agg(worst).to_dict()


def evidence_of_answers(review: Review, outcome_id: str) -> pd.DataFrame:
    """Answers for one result beside the facts that they rest on.

    Returns
    -------
    DataFrame
        Columns domain, question, answer, reason, fact, verification, source, source_where; what
        the tables do not hold is empty.
    """
    table = _answers(review)
    rows = table[table["outcome_id"] == outcome_id].reset_index(drop=True)
    rows.insert(0, "domain", [domain_of(question) for question in rows["question"]])
    return rows.drop(columns=["outcome_id", *PLACE])


@made_once
def _answers(review: Review) -> pd.DataFrame:
    """All answers, each beside the fact that it rests on."""
    answers = review.table("bias_answers").reindex(
        columns=["outcome_id", "question", "answer", "reason", *PLACE]
    )
    facts = review.table("bias_facts").rename(
        columns={"domain": "fact_domain", "topic": "fact_topic"}
    ).reindex(columns=[*PLACE, "fact", "verification", "source", "source_where"])
    as_objects = dict.fromkeys(PLACE, object)
    return answers.astype(as_objects).merge(facts.astype(as_objects), how="left", on=PLACE)


def interests(review: Review) -> pd.DataFrame:
    """Who paid for each study and what its authors may gain, as far as it was read.

    Returns
    -------
    DataFrame
        Rows of bias_facts.csv on funding and conflicts: columns study, topic, fact, verification,
        source, source_where.
    """
    facts = review.table("bias_facts")
    columns = ["study", "topic", "fact", "verification", "source", "source_where"]
    if facts.empty:
        return pd.DataFrame(columns=columns)
    return facts.loc[facts["topic"].isin(("funding", "conflicts")), columns]


def _crossovers(review: Review) -> set[str]:
    studies = review.table("studies")
    return set(studies["study"][among(studies, "design", ("rct_crossover",))])
