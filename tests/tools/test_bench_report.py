"""The arithmetic of the benchmark report, on made-up samples."""

import math
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).resolve().parents[2] / "bench"
sys.path.insert(0, str(BENCH))

from bench_catalog import MICRO, PURE, Script, Task  # noqa: E402
from bench_report import compare, geometric_mean, seconds, shortfalls  # noqa: E402
from bench_store import Store  # noqa: E402
from bench_worker import Sample, Settings, WorkerFailed, _check_side, warm_options  # noqa: E402

TASK = Task(Script("demo", Path("demo.py")), 0, "demo", 4, group=PURE)


def sample(side: str, round_: int, values: list[float], peak: int = 100) -> Sample:
    return Sample("demo", side, round_, values, 4, peak, 1.0, frames=7)


def test_warming_up_takes_stock_a_given_time() -> None:
    """It does not depend on the side, and a program whose loop is long is warm after a few."""
    settings = Settings("python", None, values=4, warm_time=2.0, warm_time_micro=0.5)

    def options(loops: int, value: float, group: str = PURE) -> list[str]:
        return warm_options(settings, Task(TASK.script, 0, "demo", loops, value, group))[2:]

    assert options(4, 0.025) == ["-w20", "-n4"]
    assert options(4, 0.025, MICRO) == ["-w5", "-n4"]
    assert options(1, 0.3) == ["-w7", "-n4"]
    assert options(1, 7.5) == ["-w1", "-n1"]


def test_ratio_is_the_median_of_the_rounds() -> None:
    samples = []
    for number, (stock, full) in enumerate([(2.0, 1.0), (3.0, 2.0), (8.0, 1.0)]):
        samples.append(sample("stock", number, [stock] * 2))
        samples.append(sample("fullspeed", number, [full] * 2, peak=120))
    result = compare(TASK, samples)
    assert result is not None
    assert (result.ratio, result.rounds, result.best) == (2.0, 3, 2.0)
    assert result.memory == pytest.approx(1.2)


def test_rounds_without_both_sides_do_not_count() -> None:
    samples = [sample("stock", 1, [2.0]), sample("stock", 2, [9.0]), sample("fullspeed", 1, [1.0])]
    result = compare(TASK, samples)
    assert result is not None and result.rounds == 1 and result.ratio == 2.0
    assert math.isinf(result.interval)
    assert compare(TASK, samples[:2]) is None


def test_noise_is_not_significant_and_a_big_difference_is() -> None:
    def result(full: list[float]) -> bool:
        samples = [sample("stock", 1, [1.0, 1.1, 0.9, 1.05])]
        found = compare(TASK, [*samples, sample("fullspeed", 1, full)])
        assert found is not None
        return found.significant

    assert not result([1.02, 1.08, 0.93, 1.0])
    assert result([0.5, 0.52, 0.49, 0.51])


def test_shortfalls_name_speed_memory_and_handovers() -> None:
    slow = [sample("stock", 1, [1.0]), sample("fullspeed", 1, [1.1], peak=150)]
    slow[1].handovers = {"odd_code": {"CALL": 3}}
    result = compare(TASK, slow)
    assert result is not None
    text = " ".join(shortfalls([result]))
    assert "0.909×" in text and "1.50×" in text and "odd_code" in text and "geometric mean" in text


def test_first_loop_and_break_even() -> None:
    """Behind by 3 + 1 seconds after two loops, ahead after the fifth: even from loop 6 on."""
    stock = sample("stock", 1, [2.0])
    full = sample("fullspeed", 1, [1.0])
    stock.cold, full.cold, full.trace_us = [2.0] * 8, [5.0, 3.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0], 90
    result = compare(TASK, [stock, full])
    assert result is not None
    assert (result.first, result.even, result.even_seconds) == (0.4, 6, 11.0)
    assert result.trace_us == 90
    assert "first loop, geometric mean: 0.400×" in " ".join(shortfalls([result]))
    full.cold = [1.0] * 8
    result = compare(TASK, [stock, full])
    assert result is not None and result.even == 1
    full.cold = [3.0] * 8
    result = compare(TASK, [stock, full])
    assert result is not None and result.even is None and math.isnan(result.even_seconds)


def test_geometric_mean_and_units() -> None:
    assert geometric_mean([2.0, 8.0]) == pytest.approx(4.0)
    assert math.isnan(geometric_mean([]))
    shown = [seconds(value) for value in (1.5, 0.0025, 3.2e-6, 4e-9)]
    assert shown == ["1.5 s", "2.5 ms", "3.2 µs", "4 ns"]


def line(**changes: object) -> dict[str, object]:
    base = {"pid": 5, "side": "fullspeed", "enabled": True, "argv": ["x"], "stats": {"frames": 3}}
    return base | changes


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [line(pid=6)],
        [line(enabled=False)],
        [line(side="stock")],
        [line(stats={"frames": 0})],
        [line(), line(pid=6, enabled=False)],
    ],
)
def test_a_process_that_did_not_run_the_engine_is_a_failure(lines: list[dict[str, object]]) -> None:
    _check_side([line()], 5, "fullspeed")
    with pytest.raises(WorkerFailed):
        _check_side(lines, 5, "fullspeed")


def test_store_goes_on_where_it_stopped(tmp_path: Path) -> None:
    settings = Settings(python="python", engine=None)
    store = Store(tmp_path, settings)
    store.add(sample("stock", 1, [1.0]))
    store.add_calibration("demo", [{"index": 0}])
    with store.path.open("a") as file:
        file.write('{"task": "torn')
    again = Store(tmp_path, settings)
    assert again.has("demo", "stock", 1) and not again.has("demo", "fullspeed", 1)
    assert again.loops == {"demo": [{"index": 0}]}
    other = Store(tmp_path, Settings(python="python", engine=None, clock="cpu"))
    assert not other.samples
    assert not Store(tmp_path, settings, fresh=True).samples
