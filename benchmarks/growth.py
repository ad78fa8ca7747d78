"""Time and memory of `check` and `analyse` for generated reviews from 200 to 20,000 outcomes."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import generated

SIZES = (20, 200, 2_000)  # studies; each has ten outcomes
SECONDS, MEGABYTES = 10, 1024  # goal for the largest


def measure(root: str) -> dict[str, float]:
    """Seconds of each step for the review at `root`, the first import included, and peak memory."""
    start = time.perf_counter()
    from evidence.pooling.analyses import run_analyses
    from evidence.project.derived import write_derived
    from evidence.review.review import load_review

    imported = time.perf_counter()
    review = load_review(root)
    checked = time.perf_counter()
    results = run_analyses(review)
    write_derived(review, results)
    end = time.perf_counter()
    unit = 2**20 if sys.platform == "darwin" else 2**10
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    return {
        "outcomes": len(review.table("outcomes")), "analyses": len(results),
        "import": imported - start, "check": checked - imported, "analyse": end - checked,
        "all": end - start, "processor": time.process_time(), "memory": peak,
    }  # fmt: skip


def main() -> int:
    rows = []
    for studies in SIZES:
        with tempfile.TemporaryDirectory() as folder:
            generated.write(Path(folder), generated.files(studies))
            command = [sys.executable, __file__, folder]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
        rows.append(json.loads(done.stdout))
    print(f"\n{'outcomes':>9}{'analyses':>10}{'import':>9}{'check':>8}{'analyse':>9}{'all':>8}"
          f"{'processor':>11}{'ms an outcome':>15}{'memory':>10}")
    for row in rows:
        each = 1000 * (row["check"] + row["analyse"]) / row["outcomes"]
        print(f"{row['outcomes']:>9,}{row['analyses']:>10}{row['import']:>8.1f}s"
              f"{row['check']:>7.1f}s{row['analyse']:>8.1f}s{row['all']:>7.1f}s"
              f"{row['processor']:>10.1f}s{each:>15.2f}"
              f"{row['memory']:>7.0f} MB")
    last = rows[-1]
    met = last["all"] <= SECONDS and last["memory"] <= MEGABYTES
    print(f"goal for the last row: {SECONDS} s and {MEGABYTES} MB, {'met' if met else 'NOT met'}")
    return 0


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(measure(sys.argv[1])))
        sys.exit()
    sys.exit(main())
