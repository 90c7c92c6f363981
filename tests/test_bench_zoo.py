"""``benchmarks/zoo.py``: the page from a results file, the file itself, and subprocesses that fail."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import benchmark_modules
import pytest

zoo = benchmark_modules.load("zoo")
zoo_page = benchmark_modules.load("zoo_page")
zoo_results = benchmark_modules.load("zoo_results")
zoo_runner = benchmark_modules.load("zoo_runner")

SCRIPT = benchmark_modules.FOLDER / "zoo.py"
ABOUT = {
    "options": {"planner": "greedy", "budget": 10.0, "seed": 0},
    "machine": {"CPU": "Abacus 9", "cores": "2", "memory": "4.0 GiB", "system": "Linux x86_64"},
    "versions": {"python": "3.11.7", "torch": "2.13.0"},
}


def row(table: str, model: str, target: str, **values: object) -> dict[str, object]:
    return {"table": table, "model": model, "target": target, "status": "ok", "commit": "abc123", **values}


def planned(**values: object) -> dict[str, object]:
    """Figures of a plan: 3 ms against 6 ms without fast memory (2 times) and a bound of 2.5 ms (20 % above)."""
    return {
        "kernels": 7,
        "planned_seconds": 3e-3,
        "all_slow_seconds": 6e-3,
        "lower_bound_seconds": 2.5e-3,
        "capacity_bytes": 2 << 20,
        "fast_peak_bytes": 1536,
        "prefetches": 2,
        "evictions": 1,
        "phase_seconds": {"export": 1.5, "plan": 2.25},
        "compile_seconds": 3.75,
        **values,
    }


RIGHT = {"error": 2.5e-7, "passed": True, "note": ""}
WRONG = {"error": None, "passed": False, "note": "output 0: 3 of 8 values are NaN or infinite on one side only"}
RUN = {"parameters": 25_600_000, "run_seconds": 0.5, "eager_seconds": 0.125}
ARENA = {"kernels": 7, "tensors": 6, "alignment": 64, "alive_bytes": 900, "tvm_storages": 3, "tvm_bytes": 1000}


def results(*rows: dict[str, object]) -> dict[str, object]:
    return {
        "about": ABOUT,
        "zoo": {"small": ["tiny", "full"], "large": ["tiny", "full", "deep"]},
        "accelerators": ["chip", "part"],
        "date": "2031-02-03",
        "rows": list(rows),
    }


def section(text: str, title: str) -> str:
    """What stands under a heading."""
    return text.split(f"## {title}\n")[1].split("\n## ")[0]


def test_the_machine_and_the_commits_stand_on_the_page():
    text = zoo_page.page(results(row("full", "small", "chip", **planned(), **RIGHT, **RUN)))
    assert "Abacus 9, 2 cores, 4.0 GiB, Linux x86_64" in text
    assert "python 3.11.7, torch 2.13.0" in text
    assert "Commit: `abc123`; date: 2031-02-03" in text
    assert "`greedy`, budget 10 s, seed 0" in text


def test_a_full_row():
    text = section(zoo_page.page(results(row("full", "small", "chip", **planned(), **RIGHT, **RUN))), "Full size")
    cells = "7 | 25.6 M | 2.5e-07 | 3.75 s | 500 ms | 125 ms | 3.00 ms | 2.00 | 20.0 | 1.50 KiB | 2.00 MiB"
    assert f"| `small` | chip | {cells} |" in text
    assert "Numerics pass in 1 of 1 rows; the largest error is 2.5e-07." in text
    assert "`chip`: 2.00 times as fast as all-slow (geometric mean), 20.0 % from the lower bound (median)." in text


def test_rows_stand_in_the_order_of_the_zoo_and_the_accelerators():
    rows = [row("tiny", m, t, **planned(), **RIGHT) for m in ("large", "small") for t in ("part", "chip")]
    lines = [x for x in zoo_page.page(results(*rows)).splitlines() if x.startswith("| `")]
    found = [tuple(cell.strip(" `") for cell in line.split("|")[1:3]) for line in lines]
    assert found == [("small", "chip"), ("small", "part"), ("large", "chip"), ("large", "part")]


def test_a_failed_row_says_why_and_counts():
    failed = {**row("full", "large", "part"), "status": "failed", "reason": "ValueError: a | b <c>"}
    text = section(zoo_page.page(results(failed)), "Full size")
    assert "| `large` | part | **failed**: ValueError: a \\| b &lt;c> |" in text
    assert zoo_page.is_failure(failed)


def test_wrong_numbers_are_marked():
    wrong = row("tiny", "small", "chip, an eighth", **planned(), **WRONG)
    text = section(zoo_page.page(results(wrong)), "Tiny size, checked mode")
    assert "| 7 | **- fails** (output 0: 3 of 8 values are NaN or infinite on one side only) | 2 | 1 |" in text
    assert "Numerics pass in 0 of 1 rows" in text
    assert "1 of 1 plans copy data" in text
    assert zoo_page.is_failure(wrong)


def test_a_deep_row():
    deep = row("deep", "large", "chip", **planned(), parameters=7_000, peak_rss_bytes=3 << 30)
    text = section(zoo_page.page(results(deep)), "Deep size, planned only")
    cells = "7 | 7.0 k | 1.5 | 0.0 | 0.0 | 0.0 | 2.2 | 3.00 ms | 2.00 | 20.0 | 1.50 KiB | 2.00 MiB | 3.00 GiB"
    assert f"| `large` | chip | {cells} |" in text
    assert "Not measured: `large` (part)." in text


@pytest.mark.parametrize(("bytes_", "ratio", "larger"), [(900, "0.900", 0), (1000, "1.000", 0), (1100, "**1.100**", 1)])
def test_an_arena_row(bytes_, ratio, larger):
    arena = row("arena", "small", "chip", **ARENA, arena_bytes=bytes_)
    text = section(zoo_page.page(results(arena)), "Arena bytes against TVM")
    assert f"| `small` | chip | 6 | 64 | 900 | {bytes_:,} | 1,000 | {ratio} |" in text
    assert f"Larger than TVM's in {larger} of 1 rows" in text
    assert zoo_page.is_failure(arena) == bool(larger)


def test_what_was_not_measured_is_listed():
    text = zoo_page.page(results(row("tiny", "small", "chip", **planned(), **RIGHT)))
    assert "Not measured: `small`, `large`." in section(text, "Full size")
    assert "Not measured: `small` (part; chip, an eighth), `large`." in section(text, "Tiny size, checked mode")
    assert "Not measured: `large`." in section(text, "Deep size, planned only")


@pytest.mark.parametrize(
    ("value", "text"), [(12.34, "12.3 s"), (0.1234, "123 ms"), (4.5e-6, "4.50 µs"), (0, "0.00 µs")]
)
def test_seconds(value, text):
    assert zoo_page.seconds(value) == text


# --- the results file ---


def store(path, **about: object):
    return zoo_results.Results(path, {**ABOUT, **about}, {"small": ["tiny", "full"]}, ["chip", "part"])


def test_a_resumed_run_measures_what_is_missing_or_failed(tmp_path):
    first = store(tmp_path / "zoo.json")
    first.add(row("full", "small", "chip"))
    first.add({**row("full", "small", "part"), "status": "failed"})
    second = store(tmp_path / "zoo.json")
    task = zoo_results.Task("full", "small", ("chip", "part"))
    assert second.missing(task, "abc123") == ("chip", "part")
    second.resume()
    assert second.missing(task, "abc123") == ("part",)
    assert second.missing(task, "def456") == ("chip", "part")
    second.add(row("full", "small", "part"))
    rows = json.loads((tmp_path / "zoo.json").read_text())["rows"]
    assert [(r["target"], r["status"]) for r in rows] == [("chip", "ok"), ("part", "ok")]


def test_rows_of_other_versions_are_not_mixed_in(tmp_path):
    store(tmp_path / "zoo.json").add(row("full", "small", "chip"))
    with pytest.raises(SystemExit, match="without --resume, or delete the file, to begin anew"):
        store(tmp_path / "zoo.json", versions={"python": "3.13.0"}).resume()


def test_tasks_of_all_tables():
    zoo_sizes = {"small": ["tiny", "full"], "large": ["tiny", "full", "deep"]}
    found = [
        (t.table, t.model, t.targets) for t in zoo_results.tasks(zoo_sizes, ["deep", "tiny", "arena"], ["chip", "part"])
    ]
    both = ("chip", "part")
    assert found == [
        ("arena", "small", both),
        ("arena", "large", both),
        ("tiny", "small", (*both, "chip, an eighth")),
        ("tiny", "large", (*both, "chip, an eighth")),
        ("deep", "large", ("chip",)),
        ("deep", "large", ("part",)),
    ]


# --- subprocesses ---

SEND_ONE = 'import json,os,sys,time; send = lambda m: print(json.dumps(m), flush=True); send({"phase": "build"});'
SEND_ONE += 'row = {"table": "full", "model": "small", "target": "chip", "status": "ok"}; send({"row": row});'


def run_worker(code: str, timeout: float = 60.0):
    task = zoo_results.Task("full", "small", ("chip", "part"))
    phases: list[str] = []
    worker = [sys.executable, "-c", code]
    rows = zoo_runner.run_task(task, {}, timeout=timeout, on_phase=phases.append, worker=worker)
    return phases, rows


@pytest.mark.parametrize(
    ("ending", "reason"),
    [
        ("os.kill(os.getpid(), 9)", "the process ended with signal 9 (SIGKILL): "),
        ("raise ValueError('no such thing')", "the process ended with exit status 1: ValueError: no such thing"),
    ],
)
def test_a_process_that_dies_leaves_rows_with_the_reason(ending, reason):
    phases, rows = run_worker(f"{SEND_ONE}{ending}")
    first, second = rows
    assert phases == ["build"]
    assert (first["target"], first["status"]) == ("chip", "ok")
    assert (second["target"], second["status"], second["reason"]) == ("part", "failed", reason)


def test_a_process_that_hangs_is_ended():
    _, rows = run_worker(f"{SEND_ONE}time.sleep(600)", timeout=1.0)
    assert [row["status"] for row in rows] == ["ok", "failed"]


def test_abandoning_a_task_ends_its_process(tmp_path):
    mark = tmp_path / "pid"
    code = f"import os; open({str(mark)!r}, 'w').write(str(os.getpid())); {SEND_ONE}time.sleep(600)"
    _, rows = run_worker(code)
    next(rows)
    rows.close()
    with pytest.raises(ProcessLookupError):
        os.kill(int(mark.read_text()), 0)


def test_measured_from_the_command_line(tmp_path):
    options = ["--json", tmp_path / "zoo.json", "--out", tmp_path / "zoo.md", "--models", "dlrm", "--sizes", "arena"]
    found = subprocess.run([sys.executable, SCRIPT, *options], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    assert "dlrm arena, tpu_v5e" in found.stderr
    arena = section((tmp_path / "zoo.md").read_text(), "Arena bytes against TVM")
    assert arena.count("| `dlrm` |") == 2


@pytest.mark.parametrize("rows", [0, 1])
def test_an_interrupt_keeps_what_is_there(rows, tmp_path, monkeypatch, capsys):
    def run_all(tasks, store_, settings, **_):
        for task in tasks[:rows]:
            store_.add(row(task.table, task.model, task.targets[0], **planned(), **RIGHT))
        raise KeyboardInterrupt

    monkeypatch.setattr(zoo, "run_all", run_all)
    file, out = tmp_path / "zoo.json", tmp_path / "zoo.md"
    file.write_text("{}")
    assert zoo.main(["--json", str(file), "--out", str(out), "--models", "dlrm", "--sizes", "tiny"]) == 130
    message = capsys.readouterr().err
    if rows:
        assert "zoo.json has 1 rows; --resume goes on" in message
        assert len(json.loads(file.read_text())["rows"]) == 1
        assert "| `dlrm` | tpu_v5e | 7 |" in out.read_text()
    else:
        assert "no file changed" in message
        assert file.read_text() == "{}"
        assert not out.exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--models", "brt"], "did you mean 'bert'"),
        (["--accelerators", "tpu_v5"], "did you mean 'tpu_v5e'"),
        (["--planner", "gredy"], "did you mean 'greedy'"),
        (["--sizes", "huge"], "expected some of arena, tiny, full, deep, found 'huge'"),
    ],
)
def test_unknown_names(options, message, capsys):
    with pytest.raises(SystemExit):
        zoo.parse(options)
    assert message in capsys.readouterr().err
