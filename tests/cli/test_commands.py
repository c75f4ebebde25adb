"""--help, --version, info, wrong usage, and what `run` says when it cannot start a program."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import make_environment


def call(words: list[str], *args: str, engine: str | None = None) -> subprocess.CompletedProcess:
    return subprocess.run(
        [*words, *args], capture_output=True, text=True, env=make_environment(engine), timeout=60
    )


def test_version(fullspeed: list[str]) -> None:
    from importlib.metadata import version

    assert call(fullspeed, "--version").stdout == f"fullspeed {version('fullspeed')}\n"


def test_help_lists_what_exists(fullspeed: list[str]) -> None:
    result = call(fullspeed, "--help")
    assert result.returncode == 0
    words = ("run", "explain", "info", "cpu", "build", "variants", "pgo", "autoload", "--version")
    for word in words:
        assert word in result.stdout
    assert "hwcaps" in result.stdout.split()
    for word in ("bench",):
        assert word not in result.stdout.split()
    assert "exit codes" in result.stdout.lower()
    for command in ("run", "explain", "info", "cpu", "autoload"):
        assert f"usage: fullspeed {command}" in call(fullspeed, command, "--help").stdout
    assert "125" in call(fullspeed, "run", "-h").stdout


@pytest.mark.parametrize("args", [[], ["nonsense"], ["info", "--nonsense"], ["autoload"]])
def test_wrong_usage(fullspeed: list[str], args: list[str]) -> None:
    result = call(fullspeed, *args)
    assert result.returncode == 2
    assert result.stderr.startswith("usage: fullspeed")


def test_info(fullspeed: list[str]) -> None:
    result = call(fullspeed, "info")
    assert result.returncode == 0, result.stdout
    for word in ("dispatch", "PGO", "LTO", "debug", "compiler", "autoload", "FULLSPEED"):
        assert word in result.stdout
    facts = json.loads(call(fullspeed, "info", "--json").stdout)
    assert facts["engine"]["available"] is True
    assert facts["python"]["executable"].startswith(str(Path(sys.executable).parent))
    assert facts["environment"]["FULLSPEED"]["allowed"] == ["0", "1"]


def test_cpu(fullspeed: list[str]) -> None:
    result = call(fullspeed, "cpu")
    assert (result.returncode, result.stderr) == (0, "")
    for word in ("CPU", "level", "features", "missing", "baseline", "dispatch", "SSE2", "x86-64-v"):
        assert word in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 100
    facts = json.loads(call(fullspeed, "cpu", "--json").stdout)
    assert set(facts["baseline"]) <= set(facts["found"])
    assert not set(facts["found"]) & set(facts["missing"])
    assert facts["disabled"] == {} and facts["architecture"] == "x86_64"
    assert facts["level"] == facts["level of the cpu"]


def test_cpu_with_variables(fullspeed: list[str]) -> None:
    def cpu(*args: str, **env: str) -> subprocess.CompletedProcess:
        words = [*fullspeed, "cpu", *args]
        environment = make_environment(None, env)
        return subprocess.run(words, capture_output=True, text=True, env=environment, timeout=60)

    text = cpu(FULLSPEED_DISABLE_CPU_FEATURES="AVX").stdout
    facts = json.loads(cpu("--json", FULLSPEED_DISABLE_CPU_FEATURES="AVX").stdout)
    if "AVX" in facts["found"]:
        assert facts["disabled"]["AVX"] == "FULLSPEED_DISABLE_CPU_FEATURES"
        assert facts["level"] == "x86-64-v2"
        assert "disabled by FULLSPEED_DISABLE_CPU_FEATURES\n  " in text
    wrong = cpu(FULLSPEED_ENABLE_CPU_FEATURES="AVX3")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert wrong.stderr.startswith(
        "fullspeed: the environment's FULLSPEED_ENABLE_CPU_FEATURES names 'AVX3', which is no CPU"
    )
    both = cpu(FULLSPEED_ENABLE_CPU_FEATURES="AVX", FULLSPEED_DISABLE_CPU_FEATURES="AVX")
    assert both.returncode == 2 and "set only one of them" in both.stderr
    lacking = cpu("--json", FULLSPEED_DISABLE_CPU_FEATURES="NEON")
    assert lacking.returncode == 0 and "RuntimeWarning" in lacking.stderr
    assert len(json.loads(lacking.stdout)["warnings"]) == 1


def test_without_the_c_part(python: str) -> None:
    """As on a processor that the build is not for: one sentence."""
    for command in ("cpu", "info", "autoload"):
        code = (
            "import sys; sys.modules['fullspeed._run'] = None\n"
            f"from fullspeed.cli import main; sys.exit(main(['{command}']))"
        )
        result = call([python], "-c", code)
        assert (result.returncode, result.stdout) == (1, "")
        assert result.stderr.startswith("fullspeed: its C part cannot be loaded: ")
        assert result.stderr.count("\n") == 1


def test_cpu_below_the_baseline(python: str) -> None:
    """fullspeed._cpu refuses to be imported, and says what is missing: one sentence."""
    code = (
        "import sys; sys.modules['fullspeed._cpu'] = None\n"
        "from fullspeed.cli import main; sys.exit(main(['cpu']))"
    )
    result = call([python], "-c", code)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith("fullspeed: ") and result.stderr.count("\n") == 1


def test_closed_pipe_is_no_error(fullspeed: list[str]) -> None:
    line = f"{fullspeed[0]} info --json | true"
    script = ["bash", "-c", f"for i in 1 2 3 4 5; do {line}; done"]
    result = call(script)
    assert (result.returncode, result.stderr) == (0, "")


def _python_facts(python: str) -> dict:
    """What _info says about another interpreter; needs neither engine nor installation there."""
    import fullspeed

    parent = str(Path(fullspeed.__file__).parent.parent)
    code = (
        f"import sys; sys.path.append({parent!r}); import json, fullspeed._info as i; "
        "print(json.dumps(i.python_build()))"
    )
    return json.loads(subprocess.check_output([python, "-I", "-c", code], text=True))


@pytest.mark.skipif(
    not os.path.exists("/usr/bin/python3.11") or not os.path.exists("/etc/debian_version"),
    reason="the facts are known for Debian's and Ubuntu's python3.11 only",
)
def test_build_facts_of_the_distribution() -> None:
    facts = _python_facts("/usr/bin/python3.11")
    assert (facts["pgo"], facts["lto"], facts["debug"]) == (True, True, False)
    assert facts["compiler"].startswith("GCC")


@pytest.mark.skipif(not shutil.which("python3.11-dbg"), reason="needs the package python3.11-dbg")
def test_build_facts_of_a_debug_build() -> None:
    facts = _python_facts(shutil.which("python3.11-dbg"))
    assert (facts["pgo"], facts["debug"]) == (False, True)


def test_build_facts_from_code_layout(monkeypatch: pytest.MonkeyPatch) -> None:
    from fullspeed import _info

    def facts(layout: tuple[float, float], arguments: str, fits: bool) -> tuple:
        monkeypatch.setattr(_info, "_function_layout", lambda: layout)
        monkeypatch.setattr(_info, "_sysconfig_fits", lambda: fits)
        monkeypatch.setattr(_info.sysconfig, "get_config_var", lambda name: arguments)
        found = _info.python_build()
        return found["pgo"], found["lto"]

    plain, profiled, mixed = (0.05, 1.0), (0.6, 2.5), (0.7, 9.5)
    assert facts(plain, "", True) == (False, False)
    assert facts(plain, "--enable-optimizations --with-lto", True) == (True, True)
    assert facts(plain, "--enable-optimizations --with-lto", False) == (False, None)
    assert facts(profiled, "", True) == (True, False)
    assert facts(profiled, "--with-lto=thin", True) == (True, True)
    assert facts(profiled, "", False) == (True, None)
    assert facts(mixed, "", False) == (True, True)


def test_wrong_environment(fullspeed: list[str]) -> None:
    result = call(fullspeed, "run", "-c", "print('ran')", engine="maybe")
    assert (result.returncode, result.stdout) == (125, "")
    assert result.stderr == (
        "fullspeed: the environment has FULLSPEED=maybe; allowed values are 0, 1\n"
    )
    result = call(fullspeed, "info", engine="maybe")
    assert result.returncode == 2 and "FULLSPEED=maybe" in result.stderr


def test_run_turns_the_engine_on_and_tells_children(fullspeed: list[str]) -> None:
    code = (
        "import os, sys; e = sys.modules.get('fullspeed._engine'); "
        "print(bool(e) and e.is_enabled(), os.environ.get('FULLSPEED'))"
    )
    assert call(fullspeed, "run", "-c", code).stdout == "True 1\n"
    assert call(fullspeed, "run", "-S", "-c", code).stdout == "True 1\n"
    assert call(fullspeed, "run", "-I", "-c", code).stdout == "True 1\n"
    assert call(fullspeed, "run", "-c", code, engine="0").stdout == "False 0\n"
    assert call(fullspeed, "run", "-c", code, engine="").stdout == "True 1\n"


def test_missing_engine_is_one_clear_sentence(tmp_path: Path) -> None:
    import fullspeed

    shutil.copytree(
        Path(fullspeed.__file__).parent,
        tmp_path / "fullspeed",
        ignore=shutil.ignore_patterns("_engine*", "__pycache__"),
    )
    words = [sys.executable, str(tmp_path / "fullspeed" / "_start.py")]
    result = subprocess.run(
        [*words, "run", "-c", "print('ran')"],
        capture_output=True,
        text=True,
        env=make_environment(None, {"PYTHONPATH": str(tmp_path)}),
    )
    assert (result.returncode, result.stdout) == (125, "")
    assert result.stderr.startswith("fullspeed: the engine cannot be loaded: ")
    assert result.stderr.count("\n") == 1


def test_typing_marker_is_installed() -> None:
    import fullspeed

    assert (Path(fullspeed.__file__).parent / "py.typed").exists()
