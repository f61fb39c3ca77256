"""The process that watches the process of a command."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from tests.benchmark.core.workers import has_ended

SCRIPT = """
import os, signal, sys, time
from benchmark.core.errors import UserError
from benchmark.core.watch import announced, go_on_watched, is_watched, say_exit

try:
    code = go_on_watched(["mine.py:Mine"], 0.2)
except UserError as error:
    print(error, flush=True)
    os._exit(2)
if code is not None:
    os._exit(code)
assert is_watched()

def babble(text):
    for number in range(3, 9):
        try:
            os.write(number, text)
        except OSError:
            pass
"""
BY_ITSELF = "mine.py:Mine: the process of this command "
WAITS = """
try:
    print(os.getpid(), flush=True)
    signal.pause()
except KeyboardInterrupt:
    say_exit(130)
"""


def start(body: str) -> subprocess.Popen[str]:
    """A process that is watched by its parent and runs `body`."""
    hearing = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    return subprocess.Popen([sys.executable, "-c", hearing + SCRIPT + body], stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        ("say_exit(7); os._exit(0)", 7, ""),
        ("with announced('a'):\n  with announced('b'): pass\ntime.sleep(0.5); say_exit(0)", 0, ""),
        ("os._exit(0)", 2, BY_ITSELF + "ended with exit code 0, after it had loaded plug-ins"),
        ("with announced('a'):\n  with announced('b'): os._exit(1)", 2, BY_ITSELF + "ended with exit code 1, in a"),
        ("with announced('a'):\n  with announced('b'): pass\n  time.sleep(60)", 2, "a: took longer than 0.2 s in the"),
        ("signal.setitimer(signal.ITIMER_REAL, 0.1); signal.pause()", 2, BY_ITSELF + "died of SIGALRM"),
        (
            "for n in range(3, 9):\n  try: os.write(n, b'exit 0\\nxx')\n  except OSError: pass\nos._exit(0)",
            2,
            BY_ITSELF,
        ),
        ("for n in range(3, 9):\n  try: os.write(n, b'\\xff')\n  except OSError: pass\nsay_exit(5)", 5, ""),
        ("os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL, ""),
        ("os.closerange(3, 99); say_exit(0)", 2, BY_ITSELF + "ended with exit code 0"),
    ],
)
def test_how_a_command_may_end(body: str, code: int, words: str):
    process = start(body)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == code
    assert output.startswith(words)
    assert output.count("\n") == bool(words)


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGTERM, -signal.SIGTERM), (signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)],
)
def test_signals_are_passed_on(number: signal.Signals, code: int):
    """Also the last one, which ends the process that watches."""
    with start(WAITS) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        process.send_signal(number)
        assert process.wait(60) == code
        assert has_ended(child)
