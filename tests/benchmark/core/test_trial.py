"""Files with plug-ins that misbehave while they are imported or made."""

from __future__ import annotations

import os
import signal
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

from benchmark.core.errors import UserError
from benchmark.core.guard import guarded
from benchmark.core.trial import LIMIT
from models.registry import MODELS
from tests.benchmark.core.test_registry import MINE
from tests.workers import spawned_workers


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("import sys; sys.exit(0)", r"importing it raised SystemExit: 0 \(mine\.py, line 1\)\. Correct this file"),
        ("import os; os._exit(0)", "importing it or making its plug-in: its process ended with exit code 0"),
        ("raise KeyboardInterrupt", r"importing it raised KeyboardInterrupt \(mine\.py, line 1\)"),
        ("raise GeneratorExit('x')", r"importing it raised GeneratorExit: x \(mine\.py, line 1\)"),
        ("while True: pass", "importing it or making its plug-in: took longer than 2 s"),
        ("class E(Exception):\n  def __str__(self): 1/0\nraise E", "raised E: its __str__ raises ZeroDivisionError"),
        (MINE.replace("'''Mine alone.\n\n    More about it.\n    '''", "version = '2'"), "'Mine' lacks a docstring"),
        (
            MINE.replace('name = "mine"', 'name = "mine"\n    version = 2'),
            "the version of 'Mine' is 2, expected a short",
        ),
        (MINE.replace('name = "mine"', f'name = "{"m" * 300}"'), r"is 'm{199}\.\.\., expected .*at most 64 bytes"),
    ],
)
def test_what_a_file_may_do_while_it_is_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, message: str
):
    monkeypatch.setenv(LIMIT, "2" if "while" in text else "60")
    (tmp_path / "mine.py").write_text(text if "name = " in text else text + MINE)
    with pytest.raises(UserError, match=message) as caught:
        MODELS.load(f"{tmp_path / 'mine.py'}:Mine")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("import threading, time; threading.Thread(target=time.sleep, args=(60,), daemon=True).start()", "a thread"),
        ("import os, time\nif not os.fork(): time.sleep(60)", "a child process"),
        ("import signal; signal.setitimer(signal.ITIMER_VIRTUAL, 50)", "a timer"),
        ("import signal; signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())", "blocked signals"),
        ("import builtins, sys; builtins.open = sys.stderr = None", "other standard streams, other built-in functions"),
    ],
)
def test_what_a_file_may_not_leave(tmp_path: Path, text: str, found: str):
    (tmp_path / "mine.py").write_text(f"{text}\n{MINE}")
    with pytest.raises(UserError, match=f"mine.py: .* leaves {found}, expected nothing. Start it"), spawned_workers():
        MODELS.load(f"{tmp_path / 'mine.py'}:Mine")


def test_what_a_file_writes_while_it_is_imported_is_discarded(tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    (tmp_path / "mine.py").write_text(f"import os; os.write(1, b'from C'); os.write(2, b'from C')\n{MINE}")
    MODELS.load(f"{tmp_path / 'mine.py'}:Mine")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("value", ["soon", "0", "inf"])
def test_a_wrong_time_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str):
    monkeypatch.setenv(LIMIT, value)
    (tmp_path / "mine.py").write_text(MINE)
    with pytest.raises(UserError, match=f"{LIMIT} is '{value}', expected a number of seconds above 0"):
        MODELS.load(f"{tmp_path / 'mine.py'}:Mine")


def test_code_of_a_plugin_leaves_this_process_as_it_was(tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    before = dict(os.environ), Path.cwd(), signal.getsignal(signal.SIGTERM), list(warnings.filters), np.geterr()
    path = list(sys.path)
    with guarded("a plug-in"):
        os.environ["PATH"] = "nowhere"
        os.environ["POISON"] = "1"
        os.chdir(tmp_path)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        warnings.simplefilter("ignore")
        np.seterr(all="raise")
        sys.path.insert(0, str(tmp_path))
        print("hello")
        os.write(1, b"hello from C")
    after = dict(os.environ), Path.cwd(), signal.getsignal(signal.SIGTERM), list(warnings.filters), np.geterr()
    assert after == before
    assert sys.path == [*path, str(tmp_path)], "so that it hides no installed module"
    sys.path[:] = path
    assert capfd.readouterr().out == ""


def test_ctrl_c_is_the_users_if_it_was_pressed():
    with pytest.raises(KeyboardInterrupt), guarded("a plug-in"):
        signal.raise_signal(signal.SIGINT)
    with pytest.raises(UserError, match="a plug-in raised KeyboardInterrupt"), guarded("a plug-in"):
        raise KeyboardInterrupt


def test_of_a_process_that_code_of_a_plugin_forks_one_goes_on(tmp_path: Path):
    with guarded("a plug-in"):
        child = os.fork()
    assert child > 0
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
