#!/usr/bin/env python3.11
"""Runs CPython's own regression tests under stock and under the engine, and compares.

Examples:
    tests/cpython/run.py --quick                 a chosen list, minutes
    tests/cpython/run.py --full --jobs 2         everything
    tests/cpython/run.py --only test_generators  one file or more
    tests/cpython/run.py --stock-only --full     only fill the cache of stock results

How it works: suite_env makes the two environments, suite_run runs single files, suite_compare
finds what is worse. Stock results are kept in build/cpython/stock, those of an engine build in
build/cpython/<digest>; both are resumed. A file that comes out worse runs a second time under
both sides; what is worse only once is listed as unsteady, not as a difference.

Exit codes: 0 no unexplained difference, 1 differences, 2 could not run.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE))

from suite_compare import (  # noqa: E402
    GOOD_FILE,
    Difference,
    Exemption,
    compare,
    load_exemptions,
)
from suite_env import SuiteEnv, make_engine, make_stock  # noqa: E402
from suite_run import RESOURCES, FileResult, list_tests, run_file  # noqa: E402

# Chosen for what touches the evaluator; about five minutes on two cores for both sides.
QUICK = """
test_grammar test_opcodes test_dict test_builtin test_exceptions test_types test__xxsubinterpreters
test_asyncgen test_augassign test_baseexception test_binop test_bool test_call test_class test_code
test_coroutines test_compare test_compile test_contains test_context test_contextlib
test_crashers test_decorators test_defaultdict test_descr test_descrtut test_dict_version
test_dictcomps test_dictviews test_dis test_dynamic test_dynamicclassattribute test_enumerate
test_eof test_except_star test_exception_group test_exception_variations test_extcall
test_finalization test_float test_format test_frame test_fstring test_funcattrs test_functools
test_gc test_generator_stop test_generators test_genericclass test_genexps test_global test_inspect
test_int test_isinstance test_iter test_iterlen test_keywordonlyarg test_list test_listcomps
test_long test_metaclass test_module test_named_expressions test_opcache test_operator
test_ordered_dict test_patma test_peepholer test_pep646_syntax test_positional_only_arg test_pow
test_print test_profile test_property test_raise test_range test_richcmp test_scope test_set
test_setcomps test_slice test_string_literals test_structseq test_subclassinit test_super
test_syntax test_sys test_sys_setprofile test_sys_settrace test_thread test_threadsignals
test_threading test_threading_local test_trace test_traceback test_tracemalloc test_tuple
test_type_annotations test_type_cache test_typechecks test_unary test_unpack test_unpack_ex
test_userdict test_warnings test_weakref test_weakset test_with test_yield_from test_bdb
test_faulthandler test_signal test_cprofile test_fork1 test_pickle
""".split()

# Files that the suite finds but that no run here can say anything about, with the reason.
LEFT_OUT = {
    "test_bigmem": "needs tens of GB of memory to test anything (-M is not given)",
    "test_zipfile64": "writes archives of more than 4 GB; the resource largefile is not given",
}


@dataclass
class Run:
    """What one call of this program works with and has found."""

    stock: SuiteEnv
    engine: SuiteEnv | None
    folder: Path
    jobs: int
    timeout: float
    fresh: bool
    extra: list[str]
    differences: list[Difference] = field(default_factory=list)
    unsteady: list[Difference] = field(default_factory=list)
    results: dict[str, dict[str, FileResult]] = field(default_factory=dict)


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    kind = parser.add_mutually_exclusive_group(required=True)
    kind.add_argument("--quick", action="store_true", help="the chosen list")
    kind.add_argument("--full", action="store_true", help="the whole suite")
    kind.add_argument("--only", nargs="+", action="extend", metavar="NAME", help="these files")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--timeout", type=float, default=1200, help="seconds per file")
    parser.add_argument("--stock-only", action="store_true", help="fill the stock cache only")
    parser.add_argument(
        "--short-first", action="store_true", help="for runs that may be broken off"
    )
    parser.add_argument("--fresh", action="store_true", help="ignore kept engine results")
    parser.add_argument("--base-python", default="/usr/bin/python3.11")
    parser.add_argument(
        "--package-python",
        type=Path,
        default=Path(sys.executable),
        help="the Python whose installed fullspeed is tested (default: this one)",
    )
    parser.add_argument("--jit", choices=("0", "1", "ir"), help="FULLSPEED_JIT for the engine")
    parser.add_argument("--thresholds", help="FULLSPEED_JIT_THRESHOLDS for the engine")
    parser.add_argument("--build", type=Path, default=ROOT / "build", help="where results go")
    parser.add_argument(
        "--match",
        help="run only cases that match (as regrtest -m); nothing is kept",
    )
    arguments = parser.parse_args()
    if arguments.jit is not None:
        os.environ["FULLSPEED_JIT"] = arguments.jit
    if arguments.thresholds is not None:
        os.environ["FULLSPEED_JIT_THRESHOLDS"] = arguments.thresholds
    return arguments


def keep_path(run: Run, env: SuiteEnv, name: str) -> Path:
    """Say where the result of `name` under `env` is kept."""
    return run.folder / env.digest / f"{name}.json"


def obtain(run: Run, env: SuiteEnv, name: str, again: bool = False) -> FileResult:
    """Return a kept result, or run the file."""
    path = keep_path(run, env, name)
    keep = not run.extra
    fresh = again or (run.fresh and env is run.engine)
    if keep and not fresh and path.exists():
        return FileResult.load(path)
    limit = run.timeout
    if env is run.engine and (before := run.results.get(name, {}).get("stock")):
        limit = min(limit, max(240.0, 6 * before.seconds))
    result = run_file(env, name, limit, run.extra)
    if env is run.stock and not again and result.status not in GOOD_FILE:
        second = run_file(env, name, limit, run.extra)  # stock too has unsteady tests
        if second.status in GOOD_FILE:
            result = second
    if keep and not again:
        result.save(path)
    return result


def examine(run: Run, name: str) -> str:
    """Run one file under both sides, note what is worse, return a line for the terminal."""
    both = run.results.setdefault(name, {})
    both["stock"] = obtain(run, run.stock, name)
    if run.engine is None:
        return f"{name}: {both['stock'].status} ({both['stock'].seconds:.0f} s)"
    both["engine"] = obtain(run, run.engine, name)
    first = compare(both["stock"], both["engine"])
    if not first:
        return f"{name}: same, {both['engine'].status} ({both['engine'].seconds:.0f} s)"
    second_engine = obtain(run, run.engine, name, again=True)
    second = {(d.case, d.engine): d for d in compare(both["stock"], second_engine)}
    steady = [d for d in first if (d.case, d.engine) in second]
    if steady:
        # Perhaps stock itself does this now and then.
        steady = [
            d
            for d in compare(obtain(run, run.stock, name, again=True), second_engine)
            if (d.case, d.engine) in second
        ]
    run.differences += steady
    run.unsteady += [d for d in first if d not in steady]
    label = "WORSE" if steady else "unsteady"
    where = ", ".join(d.case.rpartition(".")[2] or d.engine for d in (steady or first)[:4])
    return f"{name}: {label} ({len(steady or first)}: {where})"


def explain(differences: list[Difference], exemptions: list[Exemption]) -> list[Difference]:
    """Return the differences that no entry of exceptions.toml covers."""
    left = []
    for difference in differences:
        entries = [e for e in exemptions if e.covers(difference)]
        for entry in entries:
            entry.used = True
        if not entries:
            left.append(difference)
    return left


def report(run: Run, left: list[Difference], exemptions: list[Exemption], title: str) -> str:
    """Write the Markdown summary."""
    engine = [both["engine"] for both in run.results.values() if "engine" in both]
    stock = [both["stock"] for both in run.results.values()]
    rows = [f"# CPython's own tests: {title}", ""]
    rows += [time.strftime("Run of %Y-%m-%d %H:%M UTC", time.gmtime()) + f", `-u{RESOURCES}`.", ""]
    rows += [
        "| | files | passed | failed | skipped | crashed | timeout | cases passed | s |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for label, side in (("stock", stock), ("engine", engine)):
        count = {
            s: sum(r.status == s for r in side)
            for s in ("passed", "failed", "skipped", "crashed", "timeout", "env-changed")
        }
        good = sum(v == "passed" for r in side for v in r.cases.values())
        rows.append(
            f"| {label} | {len(side)} | {count['passed'] + count['env-changed']} | "
            f"{count['failed']} | {count['skipped']} | {count['crashed']} | {count['timeout']} | "
            f"{good} | {sum(r.seconds for r in side):.0f} |"
        )
    explained = [d for d in run.differences if d not in left]
    for heading, entries in (
        ("Unexplained differences", left),
        ("Explained in exceptions.toml", explained),
        ("Unsteady (worse once, the same when run again)", run.unsteady),
    ):
        rows += ["", f"## {heading}: {len(entries)}", ""]
        rows += [
            f"- `{d.file}` `{d.case or '(whole file)'}`: {d.stock} → {d.engine}" for d in entries
        ]
    bad = [r for r in stock if r.status not in GOOD_FILE]
    rows += ["", f"## Not passed by stock itself on this machine: {len(bad)}", ""]
    rows += [
        f"- `{r.name}`: {r.status} "
        + ", ".join(f"`{c}`" for c, o in r.cases.items() if o in ("failure", "error"))
        for r in bad
    ]
    rows += ["", "## Left out", ""] + [f"- `{n}`: {why}" for n, why in LEFT_OUT.items()]
    if title == "full":
        rows += ["", "## Stale entries of exceptions.toml", ""]
        rows += [f"- `{e.file}` `{e.case}`" for e in exemptions if not e.used] or ["none"]
    for d in left:
        rows += ["", f"### `{d.file}` `{d.case or '(whole file)'}`", "", "```", d.message, "```"]
    return "\n".join(rows) + "\n"


def main() -> int:
    """Run what the command line asks for."""
    options = parse_arguments()
    # A shell starts background jobs with SIGINT ignored; test processes must not inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    folder = options.build / "cpython"
    exemptions = load_exemptions(HERE / "exceptions.toml")
    stock = make_stock(folder, options.base_python)
    engine = None
    if not options.stock_only:
        engine = make_engine(folder, options.base_python, options.package_python)
    extra = ["-m", options.match] if options.match else []
    run = Run(stock, engine, folder, options.jobs, options.timeout, options.fresh, extra)
    known = list_tests(stock)
    names = options.only or (QUICK if options.quick else known)
    if unknown := sorted(set(names) - set(known)):
        print(f"no such test files: {', '.join(unknown)}", file=sys.stderr)
        return 2
    names = [n for n in names if n not in LEFT_OUT or options.only]
    # The longest first, so that the last minutes are not spent on one file.
    kept = {
        n: FileResult.load(p).seconds for n in names if (p := keep_path(run, stock, n)).exists()
    }
    names.sort(key=lambda n: kept.get(n, 0), reverse=not options.short_first)
    with ThreadPoolExecutor(options.jobs) as pool:
        waiting = {pool.submit(examine, run, name): name for name in names}
        try:
            for number, future in enumerate(as_completed(waiting), 1):
                print(f"[{number}/{len(names)}] {future.result()}", flush=True)
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    left = explain(run.differences, exemptions)
    title = "full" if options.full else "quick" if options.quick else "selected"
    text = report(run, left, exemptions, title)
    name = "cpython-stock.md" if options.stock_only else "cpython-results.md"
    (options.build / name).write_text(text)
    print(
        f"{len(left)} unexplained differences, {len(run.unsteady)} unsteady; see "
        f"{options.build / name}"
    )
    return 1 if left else 0


if __name__ == "__main__":
    raise SystemExit(main())
