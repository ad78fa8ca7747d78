"""Pooled analyses a second, here and elsewhere, after the results have been found equal."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from pymare.estimators import DerSimonianLaird, VarianceBasedLikelihoodEstimator

from evidence.pooling.estimators import pool_many

K = 5
SIZES = {"REML": 10_000, "DL": 1_000_000, "PM": 10_000}
REPEATS = 5
RTOL, ATOL = 1e-6, 1e-9
FEW = {"metafor": 500, "PyMetaAnalysis": 500, "statsmodels": 2_000}
Data = tuple[np.ndarray, np.ndarray]


def data_sets(m: int, seed: int = 20261123) -> Data:
    """Effects and variances of m data sets of `K` studies, shape (K, m), with tau² = 0.05."""
    random = np.random.default_rng(seed)
    vi = np.exp(random.normal(-2, 0.7, (K, m)))
    return random.normal(0.3, np.sqrt(vi + 0.05)), vi


def seconds(run: Callable[[], object]) -> float:
    """The shortest of a few runs, after one to warm up."""
    run()
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)


def metafor(data: Data, method: str) -> tuple[float, pd.DataFrame]:
    """Fits a second and results of R metafor, one `rma` per data set."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "data.csv"), Path(folder, "results.csv")
        pd.DataFrame(np.vstack(data).T).to_csv(source, index=False)
        script = Path(__file__).with_name("metafor.R")
        command = ["Rscript", script, source, target, method]
        subprocess.run(command, check=True, capture_output=True)
        results = pd.read_csv(target)
    return len(results) / results["seconds"][0], results


def pymetaanalysis(data: Data, method: str) -> tuple[float, pd.DataFrame]:
    """Fits a second and results of PyMetaAnalysis."""
    from meta_analyze import meta_analysis

    def fit(column: int):
        return meta_analysis(
            effect=data[0][:, column], variance=data[1][:, column], tau2_method=method,
            ci_method="hartung_knapp_adhoc",
        )  # fmt: skip

    start = time.perf_counter()
    fits = [fit(column) for column in range(data[0].shape[1])]
    rate = len(fits) / (time.perf_counter() - start)
    values = [(each.estimate, *each.ci) for each in fits]
    return rate, pd.DataFrame(values, columns=["estimate", "ci_low", "ci_high"])


def statsmodels(data: Data, method: str) -> tuple[float, pd.DataFrame]:
    """Fits a second and estimates of statsmodels, whose tau² may be negative (left out)."""
    from statsmodels.stats.meta_analysis import combine_effects

    options = {"DL": {"method_re": "dl"}, "PM": {"method_re": "iterated", "atol": 1e-13}}[method]
    columns = range(data[0].shape[1])
    start = time.perf_counter()
    with np.errstate(invalid="ignore"):
        fits = [combine_effects(data[0][:, i], data[1][:, i], **options) for i in columns]
    rate = len(fits) / (time.perf_counter() - start)
    values = [each.mean_effect_re if each.tau2 > 0 else np.nan for each in fits]
    return rate, pd.DataFrame({"estimate": values})


def check(results: pd.DataFrame, data: Data, method: str, who: str) -> None:
    """Stop when results differ from ours; data sets that another library gave up are left out."""
    ours = pool_many(*data, method=method)
    known = results["estimate"].notna().to_numpy()
    for name in results.columns.intersection(["estimate", "ci_low", "ci_high"]):
        np.testing.assert_allclose(
            getattr(ours, name)[known], results[name][known], rtol=RTOL, atol=ATOL,
            err_msg=f"{who} {method} {name}",
        )  # fmt: skip
    given_up = f", {(~known).sum()} left out" if not known.all() else ""
    print(f"equal to 1e-6: {who} {method}, {known.sum()} data sets{given_up}")


def other_libraries(method: str) -> dict[str, tuple[float, pd.DataFrame, Data]]:
    """Rate and results of each library that is installed, on the first of our data sets."""
    found = {}
    for who, run, is_here in (
        ("metafor", metafor, _has_metafor()),
        ("PyMetaAnalysis", pymetaanalysis, importlib.util.find_spec("meta_analyze")),
        ("statsmodels", statsmodels, importlib.util.find_spec("statsmodels")),
    ):
        if who == "statsmodels" and method == "REML":
            continue  # it has none
        if not is_here:
            print(f"skipped: {who} is not installed")
            continue
        data = tuple(part[:, : FEW[who]] for part in data_sets(SIZES[method]))
        found[who] = (*run(data, method), data)
    return found


def pymare(data: Data, method: str) -> object:
    """PyMARE alone, with its floored intervals."""
    options = {"small_sample_correction": "knapp-hartung-conservative"}
    if method == "DL":
        estimator = DerSimonianLaird(**options)
    else:
        estimator = VarianceBasedLikelihoodEstimator(method="REML", **options)
    return estimator.fit(*data, np.ones((K, 1)))


def _has_metafor() -> bool:
    if shutil.which("Rscript") is None:
        return False
    test = ["Rscript", "-e", "library(metafor)"]
    return subprocess.run(test, capture_output=True, check=False).returncode == 0


def main() -> int:
    rows = []
    for method in SIZES:
        others = other_libraries(method)
        for who, (_, results, data) in others.items():
            check(results, data, method, who)
        m = SIZES[method]
        data = data_sets(m)
        rate = m / seconds(lambda: pool_many(*data, method=method))  # noqa: B023
        rows.append((method, m, "evidence", rate, 1.0))
        if method != "PM":  # which PyMARE does not have
            alone = m / seconds(lambda: pymare(data, method))  # noqa: B023
            rows.append((method, m, "PyMARE alone", alone, rate / alone))
        rows += [
            (method, data[0].shape[1], who, other, rate / other)
            for who, (other, _, data) in others.items()
        ]
    print(f"\nk = {K}, floored Hartung-Knapp intervals (statsmodels: its Wald ones)")
    print(f"{'method':8}{'data sets':>10}  {'library':16}{'a second':>12}{'evidence is':>14}")
    for method, m, who, rate, ratio in rows:
        print(f"{method:8}{m:>10,}  {who:16}{rate:>12,.0f}{ratio:>12,.1f} x")
    return 0


if __name__ == "__main__":
    sys.exit(main())
