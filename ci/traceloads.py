"""Small jobs whose files are known by construction: what they read, what they leave, and what the preloaded shim cannot see of it."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path


def nothing(_folder: Path) -> None:
    pass


@dataclass(frozen=True)
class Load:
    """script: of bash, run in a folder that holds `files`. inputs, outputs: below that folder, code aside, complete.

    declared: globs that somebody would write down who knows the script: inputs, outputs. unseen: files the shim does not see, by role.
    needs: programs (modules of Python with a dot before the name) without which it does not run.
    """

    name: str
    script: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    files: dict[str, str] = field(default_factory=dict)
    declared: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())
    unseen: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())
    needs: tuple[str, ...] = ()
    prepare: Callable[[Path], None] = nothing


SHELL = """
sort raw.csv | tee sorted.csv | { read first; echo "$first" >first.txt; cat >rest.txt; }
mkdir deep; (cd deep; cut -d, -f1 <../raw.csv >>column.txt)
cat <<END >note.txt
$(<motto.txt)
END
exec 7<>both.txt; echo more >&7; exec 7>&-
cat sorted.csv >tmp; rm tmp
if [ -e other.csv ]; then :; fi
while read -r line; do :; done <list.txt
"""
PYTHON = """
import mmap, os, pathlib, shutil, tempfile
text = open("a.txt").read() + pathlib.Path("b.txt").read_text()
fd = os.open("raw.bin", os.O_RDONLY)
with mmap.mmap(fd, 0, prot=mmap.PROT_READ) as seen: text += str(len(seen))
out = os.open("out.bin", os.O_WRONLY | os.O_CREAT | os.O_TRUNC); os.write(out, text.encode()); os.close(out)
with tempfile.NamedTemporaryFile("w", dir=".", delete=False) as file: file.write("x")
os.replace(file.name, "safe.txt")
with open("log.txt", "a") as log: log.write("1")
with open("state.bin", "r+b") as state: state.seek(1); state.write(b"y")
shutil.copyfile("a.txt", "copy.txt")
os.stat("never.txt"); os.listdir(".")
"""
NUMPY = """
import numpy as np
table = np.load("table.npy"); text = np.loadtxt("numbers.txt")
np.save("twice.npy", table * 2); np.savez_compressed("all.npz", a=table, b=text)
big = np.memmap("map.dat", dtype="f8", mode="w+", shape=4); big[:] = 1; big.flush()
part = np.memmap("old.dat", dtype="u1", mode="r"); np.savetxt("sum.txt", [part.sum()])
"""
HDF5 = """
import h5py
with h5py.File("in.h5") as file: values = file["x"][:]
with h5py.File("out.h5", "w") as file: file["y"] = values * 2
with h5py.File("grow.h5", "a") as file: file["z"] = values
"""
TREE = """
printf '%s\\n' 1 2 3 4 | xargs -P 4 -I{} sh -c 'python3 -c "
import subprocess
subprocess.run([\\"cp\\", \\"part-{}.txt\\", \\"made-{}.txt\\"], check=True)"'
(cat part-1.txt >slow.txt) & (timeout 9 sh -c 'cat part-2.txt part-3.txt' >joined.txt) & wait
env -i /bin/sh -c 'cat part-4.txt >bare.txt'
"""
COMPILE = """
for n in 1 2 3 4 5 6; do gcc -c -o unit$n.o unit$n.c; done
gcc -o program *.o && ./program >answer.txt
"""
NAMES = """
echo x >a.tmp; mv a.tmp a.txt
mkdir build; echo y >build/one; echo z >build/two; mv build result
cp in.txt in.bak; ln in.txt hard.txt; ln -s in.txt soft.txt
mv old.txt new.txt
echo 1 >gone; rm gone; mkdir -p t/u; echo 2 >t/u/v; rm -r t
truncate -s 10 short.bin
"""
SQLITE = """
import sqlite3
with sqlite3.connect("have.db") as have: rows = have.execute("select count(*) from t").fetchall()
have.close()
made = sqlite3.connect("made.db"); made.execute("create table t (x)"); made.executemany("insert into t values (?)", rows); made.commit(); made.close()
with sqlite3.connect("grown.db") as grown: grown.execute("insert into t values (1)")
grown.close()
"""
STATIC = """
busybox cat in.txt >through-the-shell.txt
busybox sh -c 'cp in2.txt made.txt'
"""


def code(text: str) -> dict[str, str]:
    return {"step.py": text}


def _numpy(folder: Path) -> None:
    import numpy as np

    np.save(folder / "table.npy", np.arange(9))


def _hdf5(folder: Path) -> None:
    import h5py

    for name in ("in.h5", "grow.h5"):
        with h5py.File(folder / name, "w") as file:
            file["x"] = [1, 2]


def _databases(folder: Path) -> None:
    for name in ("have.db", "grown.db"):
        with sqlite3.connect(folder / name) as made:
            made.execute("create table t (x)")
        made.close()


def _container(folder: Path) -> None:
    """A root file system of busybox, for a plain user: root without all its rights may start none."""
    box = folder / "box"
    for name in ("bin", "dev", "etc", "home", "proc", "root", "sys", "tmp", "var/tmp"):
        (box / name).mkdir(parents=True)
    shutil.copy(shutil.which("busybox") or "/bin/busybox", box / "bin/busybox")
    for name in ("cp", "sh"):
        (box / "bin" / name).symlink_to("busybox")
    for name in ("passwd", "group", "hosts", "resolv.conf"):
        (box / "etc" / name).touch()
    if os.geteuid() == 0:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, 65534, 65534, follow_symlinks=False)


USER = "setpriv --reuid=65534 --regid=65534 --clear-groups " if os.geteuid() == 0 else ""
CONTAINER = f'HOME=$PWD {USER}apptainer -s exec --bind "$PWD" --pwd "$PWD" box cp in.txt out.txt\n'
UNITS = {f"unit{n}.c": f'#include "shared.h"\nint unit{n}(void) {{ return SHARED + {n}; }}\n' for n in range(1, 6)}
MAIN = '#include <stdio.h>\n#include "shared.h"\nint unit1(void);\nint main(void) { printf("%d", unit1()); return 0; }\n'
SOURCES = tuple(sorted((*UNITS, "unit6.c", "shared.h")))
OBJECTS = tuple(f"unit{n}.o" for n in range(1, 7))
PARTS = {f"part-{n}.txt": str(n) for n in (1, 2, 3, 4)}

LOADS = (
    Load(
        "shell glue", SHELL, ("both.txt", "list.txt", "motto.txt", "raw.csv"),
        ("both.txt", "deep/column.txt", "first.txt", "note.txt", "rest.txt", "sorted.csv"),
        {"raw.csv": "2,b\n1,a\n", "motto.txt": "m", "both.txt": "b", "list.txt": "l\n", "other.csv": "o"},
        (("*.csv",), ("*.txt", "sorted.csv")),
    ),
    Load(
        "Python", "python3 step.py", ("a.txt", "b.txt", "raw.bin", "state.bin"),
        ("copy.txt", "log.txt", "out.bin", "safe.txt", "state.bin"),
        {**code(PYTHON), "a.txt": "a", "b.txt": "b", "raw.bin": "r", "state.bin": "xx", "never.txt": "n", "log.txt": "0"},
        (("[ab].txt", "raw.bin"), ("out.bin", "*.txt")),
    ),
    Load(
        "NumPy", "python3 step.py", ("numbers.txt", "old.dat", "table.npy"),
        ("all.npz", "map.dat", "sum.txt", "twice.npy"), {**code(NUMPY), "numbers.txt": "1 2\n", "old.dat": "old"},
        (("table.npy", "numbers.txt"), ("*.npz", "*.npy")), needs=(".numpy",), prepare=_numpy,
    ),
    Load(
        "HDF5 from C", "python3 step.py", ("grow.h5", "in.h5"), ("grow.h5", "out.h5"), code(HDF5),
        (("in.h5",), ("out.h5",)), needs=(".h5py",), prepare=_hdf5,
    ),
    Load(
        "tree of processes", TREE, tuple(PARTS),
        ("bare.txt", "joined.txt", "made-1.txt", "made-2.txt", "made-3.txt", "made-4.txt", "slow.txt"), PARTS,
        (("part-*",), ("made-*", "slow.txt", "joined.txt")),
        unseen=((), ("bare.txt",)),  # env -i takes the shim's variables away
    ),
    Load(
        "gcc", COMPILE, SOURCES, ("answer.txt", "program", *OBJECTS), {**UNITS, "unit6.c": MAIN, "shared.h": "#define SHARED 1\n"},
        (("*.c",), ("program", "answer.txt")), needs=("gcc",),
    ),
    Load(
        "new names", NAMES, ("in.txt",),
        ("a.txt", "hard.txt", "in.bak", "new.txt", "result/one", "result/two", "short.bin", "soft.txt"),
        {"in.txt": "i", "old.txt": "o", "short.bin": "a longer text"}, (("in.txt",), ("a.txt", "result")),
    ),
    Load(
        "SQLite", "python3 step.py", ("grown.db", "have.db"), ("grown.db", "made.db"), code(SQLITE),
        (("have.db",), ("made.db",)), prepare=_databases,
    ),
    Load(
        "static binary", STATIC, ("in.txt", "in2.txt"), ("made.txt", "through-the-shell.txt"), {"in.txt": "i", "in2.txt": "j"},
        (("in.txt",), ("*.txt",)), unseen=(("in.txt", "in2.txt"), ("made.txt",)), needs=("busybox",),
    ),
    Load(
        "container", CONTAINER, ("in.txt",), ("out.txt",), {"in.txt": "i"}, (("in.txt",), ("out.txt",)),
        unseen=(("in.txt",), ("out.txt",)), needs=("apptainer", "busybox", "setpriv"), prepare=_container,
    ),
)  # fmt: skip


STEP = """
import os
rank = os.environ["SLURM_PROCID"]
open(f"made-{rank}.txt", "w").write(open(f"part-{rank}.txt").read() + open("all.csv").read())
"""
STEPS = Load(
    "steps of srun", "cut -c1 <all.csv >first.csv\nsrun -Q -n2 --overcommit python3 step.py\ncat made-0.txt made-1.txt >joined.txt",
    ("all.csv", "part-0.txt", "part-1.txt"), ("first.csv", "joined.txt", "made-0.txt", "made-1.txt"),
    {**code(STEP), "all.csv": "a\n", "part-0.txt": "0", "part-1.txt": "1"}, (("*.csv", "part-*"), ("made-*",)),
)  # fmt: skip
"""Not among LOADS: it wants a Slurm around it."""


def missing(load: Load) -> list[str]:
    import importlib.util

    return [
        need
        for need in load.needs
        if not (
            importlib.util.find_spec(need[1:])
            if need.startswith(".")
            else shutil.which(need, path=f"{os.environ['PATH']}:/usr/sbin")
        )
    ]


def lay_out(load: Load, folder: Path) -> None:
    """Write its files, all of them older than any run."""
    folder.mkdir(parents=True)
    for name, text in load.files.items():
        (folder / name).write_text(text)
    (folder / "job.sh").write_text(f"set -e\n{load.script}\n")
    load.prepare(folder)
    for path in folder.rglob("*"):
        if path.is_file():
            os.utime(path, (1_000_000_000, 1_000_000_000), follow_symlinks=False)
