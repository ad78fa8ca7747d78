"""What a build did not write, or wrote and somebody changed, is kept and named."""

import json
import os
import shutil
import stat
import subprocess
import sys

import nbformat
import pytest

from evidence import storage
from evidence.cli import main
from evidence.project.freshness import known_outputs
from evidence.project.runner import KERNEL
from evidence.storage import OWN_FOLDER, alone, replace_all, sha256, write_bytes
from sample_review import edit

MINE = b"what somebody made"


@pytest.fixture
def sample(built_sample, tmp_path):
    """A sample review as its first build has left it, with a hand-out."""
    return shutil.copytree(built_sample, tmp_path / "sample")


def kept(root):
    return sorted(p.relative_to(root).as_posix() for p in root.rglob("*.mine*"))


def test_results_that_somebody_changed_are_kept_beside_the_new_ones(sample, capsys):
    edited = ("figures/slides.pptx", "figures/studies.png", "data/derived/pooled.csv",
              "site/index.html")
    for name in edited:
        (sample / name).write_bytes(MINE)
    edit(sample / "data" / "outcomes.csv", "-0.5,0.2", "-0.7,0.2")
    edit(sample / "data" / "studies.csv", ",40", ",60")
    edit(sample / "data" / "review.csv", "A sample", "Another sample")
    assert main(["build", "--html", str(sample)]) == 0
    said = capsys.readouterr().out
    for name in edited:
        stem, _, ending = name.rpartition(".")
        assert (sample / f"{stem}.mine.{ending}").read_bytes() == MINE
        assert (sample / name).read_bytes() != MINE
        assert f"Kept: {name} " in said and f"{stem.rpartition('/')[2]}.mine.{ending}" in said
    assert len(kept(sample)) == len(edited)
    assert main(["build", "--html", str(sample)]) == 0  # the copies stay, nothing is added
    assert len(kept(sample)) == len(edited)


def test_a_picture_that_stood_there_before_the_first_build_is_kept(sample):
    shutil.rmtree(sample / OWN_FOLDER)
    shutil.rmtree(sample / "data" / "derived")
    (sample / "figures" / "manifest.json").unlink()
    (sample / "figures" / "studies.png").write_bytes(MINE)
    assert main(["build", str(sample)]) == 0
    assert (sample / "figures" / "studies.mine.png").read_bytes() == MINE
    assert kept(sample) == ["figures/studies.mine.png"]  # equal files are nobody's


def git(folder, *words):
    """What a command of git prints."""
    who = ("-c", "user.name=A. Reader", "-c", "user.email=a@example.org")
    return subprocess.run(["git", "-C", str(folder), *who, *words], check=True,
                          capture_output=True, text=True).stdout


@pytest.mark.skipif(not shutil.which("git"), reason="needs git")
@pytest.mark.parametrize("autocrlf", ["false", "true"])
def test_a_fresh_clone_builds_quietly(sample, tmp_path, capsys, autocrlf):
    """The hashes that were committed say whose the files are; line ends do not matter."""
    shutil.rmtree(sample / OWN_FOLDER)
    git(sample, "init", "-q")
    git(sample, "add", ".")
    git(sample, "commit", "-qm", "A review")
    git(tmp_path, "clone", "-q", "-c", f"core.autocrlf={autocrlf}", str(sample), "clone")
    sample = tmp_path / "clone"
    before = {path: path.read_bytes() for path in sample.rglob("*")
              if path.is_file() and ".git" not in path.parts}
    assert (b"\r\n" in before[sample / "data" / "studies.csv"]) == (autocrlf == "true")
    assert main(["build", str(sample)]) == 0
    assert {path: path.read_bytes() for path in before} == before
    assert git(sample, "status", "--porcelain", "-uno") == ""
    shutil.rmtree(sample / OWN_FOLDER)
    edit(sample / "data" / "outcomes.csv", "-0.5,0.2", "-0.7,0.2")
    edit(sample / "data" / "studies.csv", ",40", ",60")
    assert main(["analyse", str(sample)]) == 0 and main(["build", str(sample)]) == 0
    assert kept(sample) == [] and "Kept" not in capsys.readouterr().out


def test_the_manifest_holds_the_hashes_of_the_files_of_a_figure(sample):
    entries = json.loads((sample / "figures" / "manifest.json").read_text(encoding="utf-8"))
    entry, = (entry for entry in entries if entry["name"] == "studies")
    assert entry["files_sha256"] == {
        name: sha256((sample / name).read_bytes())
        for name in ("figures/studies.png", "figures/studies.svg", "figures/studies.pdf",
                     "figures/slides.pptx")
    }


def test_a_notebook_that_is_saved_while_the_build_runs_stays(sample, monkeypatch, capsys):
    notebook = sample / "notebooks" / "beta.ipynb"
    edit(sample / "data" / "outcomes.csv", "-0.5,0.2", "-0.7,0.2")
    saved = notebook.read_bytes().replace(b'"cells"', b'"cells" ')
    module = sys.modules["evidence.project.build"]
    run = module.run

    def saving(path, **options):
        done = run(path, **options)
        if path.stem == "beta":
            path.write_bytes(saved)
        return done

    monkeypatch.setattr(module, "run", saving)
    assert main(["build", str(sample)]) == 0
    assert notebook.read_bytes() == saved and kept(sample) == []
    assert "notebooks/beta.ipynb was changed meanwhile and is kept as it is" in (
        capsys.readouterr().out)
    monkeypatch.undo()
    assert main(["build", str(sample)]) == 0
    assert "−0.7" in notebook.read_text(encoding="utf-8")


def test_metadata_and_links_of_a_notebook_survive(sample, tmp_path):
    here, there = sample / "notebooks" / "beta.ipynb", tmp_path / "shared.ipynb"
    book = nbformat.read(here, as_version=4)
    own = {"authors": [{"name": "A. Reader"}], "jupytext": {"formats": "ipynb,py"},
           "kernelspec": {"name": "mine", "display_name": "Mine", "language": "python"}}
    book.metadata |= own
    nbformat.write(book, there)
    here.unlink()
    here.symlink_to(there)
    edit(sample / "data" / "outcomes.csv", "-0.5,0.2", "-0.7,0.2")
    assert main(["build", str(sample)]) == 0
    assert here.is_symlink() and "−0.7" in there.read_text(encoding="utf-8")
    metadata = nbformat.read(there, as_version=4).metadata
    assert {name: metadata[name] for name in own} == own
    other = nbformat.read(sample / "notebooks" / "alpha.ipynb", as_version=4).metadata
    assert other["kernelspec"] == KERNEL and other["language_info"]["nbconvert_exporter"]


def test_an_export_replaces_no_file_of_somebody_else(sample, tmp_path, capsys):
    out = tmp_path / "out"
    out.mkdir()
    (out / "studies.png").write_bytes(MINE)
    command = ["export", str(sample), "--out", str(out), "--dpi", "60"]
    assert main(command) == 0
    assert (out / "studies.mine.png").read_bytes() == MINE and "Kept" in capsys.readouterr().out
    assert main([*command[:-1], "50"]) == 0
    assert [p.name for p in out.iterdir() if ".mine" in p.name] == ["studies.mine.png"]
    (out / "studies.png").write_bytes(b"edited")
    assert main(command) == 0
    assert (out / "studies.mine-2.png").read_bytes() == b"edited"


def test_a_move_that_fails_takes_everything_back(tmp_path, monkeypatch):
    old = {tmp_path / "a": b"old a", tmp_path / "figures" / "b.png": b"old b"}
    for path, content in old.items():
        write_bytes(path, content)
    os_replace = os.replace

    def refuse(source, target, *rest):
        if str(target).endswith("b.png"):
            raise PermissionError(13, "Permission denied", str(source))
        return os_replace(source, target, *rest)

    new = {path: b"new" for path in old} | {tmp_path / "c": b"new"}
    with monkeypatch.context() as patch:
        patch.setattr(storage.os, "replace", refuse)
        with pytest.raises(PermissionError) as error:
            replace_all(tmp_path, dict(sorted(new.items())))
    assert error.value.filename == str(tmp_path / "figures" / "b.png")
    assert {path: path.read_bytes() for path in old} == old and not (tmp_path / "c").exists()
    assert not (tmp_path / OWN_FOLDER / "journal.json").exists()
    write_bytes(tmp_path / "a", b"edited meanwhile")
    with alone(tmp_path):
        assert (tmp_path / "a").read_bytes() == b"edited meanwhile"
    assert set(replace_all(tmp_path, new)) == set(new)


def test_a_journal_replaces_nothing_that_has_changed_since(tmp_path, monkeypatch, capsys):
    write_bytes(tmp_path / "a.ipynb", b"old")
    with monkeypatch.context() as patch:
        patch.setattr(storage, "complete", lambda root: [])  # killed before moving
        replace_all(tmp_path, {tmp_path / "a.ipynb": b"new", tmp_path / "b": b"new"})
    write_bytes(tmp_path / "a.ipynb", b"edited")
    with alone(tmp_path):
        assert (tmp_path / "a.ipynb").read_bytes() == b"edited"
        assert (tmp_path / "b").read_bytes() == b"new"
    assert "a.ipynb has changed since" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["../victim.txt", "/etc/v", "x/../../victim.txt", "", "link/v"])
def test_no_record_reaches_out_of_the_review(tmp_path, name):
    root, victim = tmp_path / "review", tmp_path / "victim.txt"
    root.mkdir()
    victim.write_bytes(MINE)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "v").write_bytes(MINE)
    (root / "link").symlink_to(tmp_path / "elsewhere")
    storage.remove(root, {name: sha256(MINE)})
    assert victim.read_bytes() == MINE and (tmp_path / "elsewhere" / "v").read_bytes() == MINE


def test_a_record_of_a_build_deletes_nothing_outside(sample):
    victim = sample.parent / "victim.txt"
    victim.write_bytes(MINE)
    state = sample / OWN_FOLDER / "state.json"
    record = json.loads(state.read_text(encoding="utf-8"))
    record["figure:gone"] = {"digest": "x", "read": [], "facts": {},
                             "outputs": {"../victim.txt": sha256(MINE)}}
    state.write_text(json.dumps(record), encoding="utf-8")
    edit(sample / "data" / "outcomes.csv", "-0.5,0.2", "-0.7,0.2")
    assert main(["build", str(sample)]) == 0
    assert victim.read_bytes() == MINE


@pytest.mark.skipif(os.name != "posix", reason="modes of POSIX")
def test_modes_are_those_of_the_old_file_or_of_the_umask(tmp_path):
    before = os.umask(0o077)
    try:
        write_bytes(tmp_path / "new", b"1")
        write_bytes(tmp_path / "shared", b"1")
        os.chmod(tmp_path / "shared", 0o664)
        replace_all(tmp_path, {tmp_path / "shared": b"2"})
        os.umask(0o002)
        write_bytes(tmp_path / "open", b"1")
    finally:
        os.umask(before)
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("new", "shared", "open")]
    assert modes == [0o600, 0o664, 0o664]


def test_a_manifest_of_an_earlier_version_vouches_for_its_figures(sample):
    shutil.rmtree(sample / OWN_FOLDER)
    manifest = sample / "figures" / "manifest.json"
    entries = json.loads(manifest.read_text(encoding="utf-8"))
    for entry in entries:
        del entry["files_sha256"]
    manifest.write_text(json.dumps(entries), encoding="utf-8")
    (sample / "figures" / "studies.png").write_bytes(b"as it was drawn before")
    known = known_outputs(sample)
    for name in ("studies.png", "studies.svg", "slides.pptx"):
        assert storage.digest(sample / "figures" / name) in known[sample / "figures" / name]
