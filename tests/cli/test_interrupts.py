"""A signal that comes during a start is not lost, wherever Python is at that moment."""

import subprocess
import sys

SECONDS = 30.0

PROGRAM = """
import os, signal, time
from creditd.cli.signals import signals_as_interrupts

class Finalized:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0)

with signals_as_interrupts():
    try:
        Finalized()
        time.sleep(20)
    except KeyboardInterrupt:
        print("interrupted", flush=True)
time.sleep(0.2)
print("went on", flush=True)
"""
"""Python cannot raise anything in a finalizer: it tells ``sys.unraisablehook`` instead, and goes on."""


def test_an_interrupt_that_comes_in_a_finalizer_is_raised_once_more() -> None:
    ended = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=SECONDS, check=True)
    assert ended.stdout.splitlines() == ["interrupted", "went on"], ended.stderr
