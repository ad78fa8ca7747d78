"""Schedules, lengths of trials, shares of harms, and the figure of the schedules."""

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from drawn import with_tables
from evidence.appraisal import harms
from evidence.chapters.dosing import schedules
from evidence.figures import catalogue
from figure_checks import faint, outside, overlaps, small, texts

ROOT = Path(__file__).parents[1]


def rows(name):
    with (ROOT / "data" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def shown(review):
    figure = catalogue.build(review, {}, "dosing_timeline")
    return figure, figure.figure()


def changed(review, table, where, column, value):
    frame = review.table(table)
    frame.loc[where(frame), column] = value
    return with_tables(review, **{table: frame})


def test_parts_of_the_schedule_are_matched_with_trials_by_dose_and_week(review):
    table = schedules.comparison(review)
    assert list(table["trials"]) == [
        "FINAL, week 0 to 1", "FINAL, week 1 to 2", "FINAL, week 2 to 3; INNOVA, week 0 on",
        "FINAL; INNOVA", "INNOVA",
    ]
    assert not table["cited"].any()
    other = changed(review, "seed_dosing",
                    lambda t: (t["schedule"] == "final") & (t["step"] == 2), "dose_mg", 2.0)
    assert list(schedules.comparison(other)["trials"])[1] == ""


def test_trial_lengths_are_those_of_controlled_trials_with_results(review):
    table = schedules.trial_lengths(review)
    wanted = {
        row["study"]: row["duration_weeks"] for row in rows("studies")
        if row["randomised"] == row["placebo_controlled"] == "true"
        and row["status"] == "published" and not row["participants_of"]
        and row["design"].startswith("rct")
    }
    assert set(table["study"]) == set(wanted)
    for study, weeks in zip(table["study"], table["weeks"], strict=True):
        assert (np.isnan(weeks) and not wanted[study]) or weeks == float(wanted[study])
    assert table["weeks"].dropna().is_monotonic_decreasing


def test_the_records_behind_dosing_claims_are_all_there(review):
    keys = {
        key.strip() for row in rows("claims") if row["claim_type"] == "dosing"
        for key in f"{row['cited_key']};{row['best_evidence_keys']}".split(";") if key.strip()
    }
    known = {row["study"] for row in rows("studies")}
    assert set(schedules.dosing_records(review)["study"]) == keys & known


def wilson(events, n, z=1.959963984540054):
    """Wilson 1927, J Am Stat Assoc 22:209-212."""
    share = events / n
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    return 100 * (centre - half), 100 * (centre + half)


@pytest.mark.parametrize(("events", "n"), [(0, 49), (4, 49), (41, 49), (17, 17)])
def test_intervals_of_shares_are_wilson_s(events, n):
    assert harms.share_interval(events, n) == pytest.approx(wilson(events, n), abs=1e-9)


def test_only_people_with_counts_get_a_share(review):
    counted, rest = harms.counted(review), harms.uncounted(review)
    assert len(counted) + len(rest) == len(rows("harms"))
    given = [
        row["harm_id"] for row in rows("harms")
        if row["unit"] == "participants"
        and not row["harm_id"].startswith(("naumann2023", "ajem2017"))
        and any(row[f"{arm}_events"] and row[f"{arm}_n"] for arm in harms.ARMS)
    ]
    assert list(counted["harm_id"]) == given
    row = counted.set_index("harm_id").loc["duebruun2024-any-adverse-event"]
    assert row["intervention_share"] == pytest.approx(100 * 41 / 49)
    cases = rest[rest["study"].isin(["naumann2023", "ajem2017"])]
    assert len(cases) == 2 and cases["intervention_pct"].isna().all()


def test_harms_with_and_without_a_control_stand_apart(review):
    controlled = harms.counted_text(review, controlled=True)
    alone = harms.counted_text(review, controlled=False)
    assert len(controlled) + len(alone) == len(harms.counted(review))
    assert "control" not in alone
    first = controlled.iloc[0]
    assert first["intervention"] == "41 of 49: 83.7 % (71 to 91)"
    serious = controlled[controlled["event"] == "serious adverse event"].iloc[0]
    assert pd.isna(serious["intervention"]) and serious["control"].startswith("1 of 50")


def test_published_harms_are_taken_as_printed(review):
    table = harms.published(review)
    printed = [row for row in rows("published_pooled") if row["domain"] == "harm"]
    assert list(table["outcome"]) == [row["outcome"] for row in printed]
    assert [f"{value:g}" for value in table["effect"].dropna()] == [
        f"{float(row['effect']):g}" for row in printed if row["effect"]
    ]


def test_the_figure_is_readable_and_names_every_schedule_and_trial(review, shown):
    _, figure = shown
    assert outside(figure) == []
    assert overlaps(figure) == []
    assert small(figure) == []
    assert faint(figure) == []
    drawn = texts(figure)
    lengths = schedules.trial_lengths(review).dropna(subset="weeks")
    for study in lengths["study"]:
        assert review.bibliography.cite(study) in drawn
    assert sum(text.startswith(("The article", "FINAL", "INNOVA")) for text in drawn) == 3


def test_parts_without_a_source_and_times_of_measurement_are_counted(review, shown):
    _, figure = shown
    drawn = texts(figure)
    parts = schedules.comparison(review)
    marked = [text for text in drawn if text.endswith("*")]
    assert len(marked) == (~parts["cited"]).sum() == 5
    assert "The article, * no source cited" in drawn
    assert any("drawn for two trials" in " ".join(text.split()) for text in drawn)


def test_a_cited_part_loses_its_asterisk(review):
    def first(table):
        return (table["schedule"] == "innova") & (table["step"] == 1)

    doses = schedules.doses(changed(review, "seed_dosing", first, "source", None), "innova")
    assert doses["cited"].tolist() == [False]
    assert schedules.doses(review, "innova")["cited"].tolist() == [True]


def test_a_milestone_s_label_is_centred_on_its_band(review, shown):
    _, figure = shown
    stones = schedules.milestones(review, "seed")
    labels = {text.get_position()[0] for text in figure.axes[3].texts
              if text.get_text().endswith("*")}
    assert labels == set((stones["earliest"] + stones["latest"]) / 2)


def test_the_article_s_fastest_and_slowest_reading_are_both_drawn(shown):
    _, figure = shown
    lanes = figure.axes[:3]
    assert [len(ax.patches) for ax in lanes] == [2, 1, 1]  # steps: two readings, then one each


def test_a_changed_length_moves_bar_title_and_alt_text(review):
    before = catalogue.build(review, {}, "dosing_timeline")
    longer = changed(review, "studies", lambda t: t["study"] == "cree2010", "duration_weeks", 30.0)
    after = catalogue.build(longer, {}, "dosing_timeline")
    assert before.title.startswith("Two of 14") and after.title.startswith("Three of 14")
    assert "3 lasted 26 weeks" in after.alt
    assert after.table.loc[1, "study"] == "cree2010"
    assert "30" in texts(after.figure())


def test_a_later_milestone_changes_the_message(review):
    def last(table):
        return (table["schedule"] == "seed") & (table["step"] == 5)

    later = changed(review, "seed_dosing", last, "start_week_min", 52)
    later = changed(later, "seed_dosing", last, "start_week_max", 52)
    title = catalogue.build(later, {}, "dosing_timeline").title
    assert title.startswith("One of 14") and "52 weeks" in title
