"""Exported figures: the same bytes on every run, described, with text as text."""

import hashlib
import json
import os
import subprocess
import sys
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from conftest import REPOSITORY
from drawn import ANALYSES, REVIEW, built
from evidence.figures import catalogue, images
from evidence.publish.slides.deck import figure_deck

NAME = "cited_outcomes"
ON_SLIDES = NAME, "fm_pain_forest"
DIGESTS = f"""
import hashlib
import evidence.chapters
from evidence.figures import catalogue, images
from evidence.pooling import Analyses
from evidence.publish.slides.deck import figure_deck
from evidence.review import load_review
review = load_review({str(REPOSITORY)!r})
analyses = Analyses(review)
built = [catalogue.build(review, analyses, name) for name in {ON_SLIDES!r}]
files = images.render(built[0], dpi=60) | {{"pptx": figure_deck(review, analyses, built)}}
for kind, content in files.items():
    print(kind, hashlib.sha256(content).hexdigest())
"""


def run(tmp_path, **environment):
    result = subprocess.run(
        [sys.executable, "-c", DIGESTS], cwd=tmp_path, capture_output=True, text=True, check=True,
        env={**os.environ, **environment},
    )
    return dict(line.split() for line in result.stdout.splitlines())


def test_bytes_do_not_depend_on_process_locale_time_zone_or_hash_seed(tmp_path):
    slides = figure_deck(REVIEW, ANALYSES, [built(name) for name in ON_SLIDES])
    files = images.render(built(NAME), dpi=60) | {"pptx": slides}
    here = {kind: hashlib.sha256(content).hexdigest() for kind, content in files.items()}
    assert run(tmp_path, PYTHONHASHSEED="1", TZ="Asia/Tokyo", LC_ALL="C") == here
    assert run(tmp_path, PYTHONHASHSEED="2", TZ="UTC", SOURCE_DATE_EPOCH="0") == here


def test_svg_is_described_and_keeps_its_text():
    svg = ElementTree.fromstring(images.render(built(NAME), ["svg"])["svg"])
    space = "{http://www.w3.org/2000/svg}"
    assert svg.findtext(f"{space}title") == built(NAME).title
    assert svg.findtext(f"{space}desc") == built(NAME).alt
    written = " ".join("".join(node.itertext()) for node in svg.iter(f"{space}text"))
    assert "Parkitny & Younger 2017" in written


def test_svg_of_hostile_text_stays_well_formed_and_harmless():
    hostile = replace(built(NAME), title="<script>alert(1)</script> & more", alt='"><b onload=x>')
    svg = images.render(hostile, ["svg"])["svg"].decode()
    ElementTree.fromstring(svg)
    assert "<script" not in svg and "<b " not in svg


def test_png_is_a_slide_at_200_dpi():
    png = images.render(built(NAME), ["png"])["png"]
    width, height = (int.from_bytes(png[start : start + 4], "big") for start in (16, 20))
    assert (width, height) == (2667, 1500)


def test_a_name_cannot_leave_the_folder(tmp_path):
    for name in ("../evil", "a/b", "A B", ""):
        with pytest.raises(ValueError, match="plain name"):
            images.export(replace(built(NAME), name=name), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_export_writes_each_format_once(tmp_path):
    paths = images.export(built(NAME), tmp_path, dpi=60)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(path.name for path in paths)
    stamps = [path.stat().st_mtime_ns for path in paths]
    images.export(built(NAME), tmp_path, dpi=60)
    assert [path.stat().st_mtime_ns for path in paths] == stamps


def test_manifest_describes_each_figure():
    entry, = json.loads(images.manifest([images.entry(REVIEW, built(NAME))]))
    assert entry["title"] == built(NAME).title and entry["alt"] == built(NAME).alt
    assert entry["notebook"] == "01_cited_studies"
    assert set(entry["sources"]) <= set(REVIEW.bibliography)
    assert len(entry["data_sha256"]) == 64


def test_committed_figures_are_complete():
    entries = json.loads((REPOSITORY / "figures" / "manifest.json").read_text(encoding="utf-8"))
    assert {entry["name"] for entry in entries} == set(catalogue.specs(REVIEW))
    for entry in entries:
        for kind in images.FORMATS:
            assert (REPOSITORY / "figures" / f"{entry['name']}.{kind}").stat().st_size > 1000
