from __future__ import annotations

import os
import subprocess

from auditor.submit.memory import descendants, peak


def test_a_process_has_children_and_grandchildren_deepest_first() -> None:
    tree = "sleep 60 & echo $!; sh -c 'sleep 60 & echo $$ $!; read line' ; kill %1"
    shell = subprocess.Popen(["bash", "-c", tree], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert shell.stdin and shell.stdout
    child = int(shell.stdout.readline())
    inner, grandchild = map(int, shell.stdout.readline().split())
    found = descendants(shell.pid)
    assert set(found) == {child, inner, grandchild}
    assert found.index(grandchild) < found.index(inner)
    os.kill(grandchild, 9)
    shell.communicate("go\n", timeout=60)
    assert descendants(shell.pid) == []


def test_our_own_peak_is_megabytes_and_a_process_that_is_gone_has_none() -> None:
    assert peak(os.getpid()) > 1 << 20
    assert peak(1 << 30) == 0
