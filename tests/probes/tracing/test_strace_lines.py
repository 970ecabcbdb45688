"""Which files do the lines of a real strace tell of? Captured from strace 6.1, `strace -D -f --seccomp-bpf -qq -y -s 0`."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from probes.tracing import preload
from probes.tracing.history import Call, History
from probes.tracing.strace import Reader

JOB = """\
2709  execve("/usr/bin/bash", [""..., ""...], 0x7fff57098800 /* 35 vars */) = 0
2709  openat(AT_FDCWD</home/ada/run>, "/dev/tty", O_RDWR|O_NONBLOCK) = -1 ENXIO (No such device or address)
2709  openat(AT_FDCWD</home/ada/run>, "job.sh", O_RDONLY) = 3</home/ada/run/job.sh>
2709  openat(AT_FDCWD</home/ada/run>, "sub/in.txt", O_WRONLY|O_CREAT|O_TRUNC, 0666) = 3</home/ada/run/sub/in.txt>
2709  clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID|SIGCHLD, child_tidptr=0x7f0f1b1b5a10) = 2716
2716  execve("/usr/bin/cp", [""..., ""..., ""...], 0x5651bb7fe7b0 /* 35 vars */) = 0
2716  openat(AT_FDCWD</home/ada/run>, "sub/copy.txt", O_RDONLY|O_PATH|O_DIRECTORY) = -1 ENOENT (No such file or directory)
2716  openat(AT_FDCWD</home/ada/run>, "sub/in.txt", O_RDONLY) = 3</home/ada/run/sub/in.txt>
2716  openat(AT_FDCWD</home/ada/run>, "sub/copy.txt", O_WRONLY|O_CREAT|O_EXCL, 0644) = 4</home/ada/run/sub/copy.txt>
2709  --- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=2716, si_uid=0, si_status=0, si_utime=0, si_stime=0} ---
2709  chdir("/home/ada/run/sub")           = 0
2709  openat(AT_FDCWD</home/ada/run/sub>, "in.txt", O_RDONLY|O_CLOEXEC <unfinished ...>
2720  openat(AT_FDCWD</home/ada/run/sub>, "../input.csv", O_RDONLY <unfinished ...>
2709  <... openat resumed>)             = 3</home/ada/run/sub/in.txt>
2720  <... openat resumed>)             = 3</home/ada/run/input.csv>
2709  rename("tmp.txt", "out.txt")      = 0
2709  openat(AT_FDCWD</home/ada/run/sub>, "gone", O_WRONLY|O_CREAT|O_TRUNC|O_CLOEXEC, 0666) = 3</home/ada/run/sub/gone>
2709  unlink("gone")                    = 0
2709  openat(AT_FDCWD</home/ada/run/sub>, "../data.bin", O_RDWR|O_CLOEXEC) = 3</home/ada/run/data.bin>
2709  openat(AT_FDCWD</home/ada/run/sub>, "na\\303\\257ve \\"q\\".txt", O_WRONLY|O_CREAT|O_TRUNC|O_CLOEXEC, 0666) = 3</home/ada/run/sub/na\\303\\257ve "q".txt>
2709  openat(3</home/ada/run/sub>, "rel.txt", O_WRONLY|O_CREAT|O_CLOEXEC, 0777) = 4</home/ada/run/sub/rel.txt>
2709  openat(AT_FDCWD</home/ada/run/sub>, "/usr/lib/x86_64-linux-gnu/libc.so.6", O_RDONLY|O_CLOEXEC) = 3</usr/lib/x86_64-linux-gnu/libc.so.6>
2709  renameat2(AT_FDCWD</home/ada/run/sub>, "copy.txt", AT_FDCWD</home/ada/run>, "moved.txt", RENAME_NOREPLACE) = 0
2709  openat(AT_FDCWD</home/ada/run/sub>, "half", O_RDONLY) = ?
2709  +++ exited with 0 +++
"""


def history(text: str, reader: Reader | None = None) -> History:
    found = History()
    found.add((reader or Reader("/home/ada/run")).calls(text.splitlines(keepends=True)))
    return found


def test_files_read_first_are_inputs_and_files_written_and_still_there_are_outputs() -> None:
    found = history(JOB)
    assert found.inputs() == ["/home/ada/run/data.bin", "/home/ada/run/input.csv", "/home/ada/run/job.sh"]
    assert found.outputs() == [
        "/home/ada/run/data.bin",
        "/home/ada/run/moved.txt",
        "/home/ada/run/sub/in.txt",
        '/home/ada/run/sub/naïve "q".txt',
        "/home/ada/run/sub/out.txt",
        "/home/ada/run/sub/rel.txt",
    ]
    assert (found.programs(), found.scratch(), found.software()) == ([], 2, 3)


def test_every_line_was_understood() -> None:
    reader = Reader("/home/ada/run")
    history(JOB, reader)
    assert (reader.broken, reader.waiting) == (0, {})


def test_a_file_opened_for_reading_and_writing_is_updated_in_place() -> None:
    assert history('7 openat(AT_FDCWD</w>, "a", O_RDWR) = 3</w/a>\n').outputs() == ["/w/a"]
    assert history('7 openat(AT_FDCWD</w>, "a", O_RDWR) = 3</w/a>\n').inputs() == ["/w/a"]
    assert history('7 openat(AT_FDCWD</w>, "a", O_RDWR|O_CREAT|O_EXCL, 0600) = 3</w/a>\n').inputs() == []


def test_a_child_stands_where_its_parent_stood() -> None:
    lines = '7 chdir("/w/deep") = 0\n7 clone(child_stack=NULL, flags=SIGCHLD) = 8\n8 rename("a", "b") = 0\n'
    assert history(lines).outputs() == ["/w/deep/b"]


def test_a_path_that_cannot_be_resolved_is_counted() -> None:
    reader = Reader()
    list(reader.calls(['7 rename("a"..., "b") = 0\n', "8 openat(garbage\n"]))
    assert reader.broken == 3  # the name that was cut, the pair that is none, the line without a result


def test_records_of_the_shim_survive_any_cut_into_pieces_and_skip_what_is_torn() -> None:
    record = b"r\0/data/a\0w\0/out/b\0m\0/out/b\0/out/c\0torn\0d\0/tmp/x\0"
    expected = [Call("r", "/data/a"), Call("w", "/out/b"), Call("m", "/out/b", "/out/c"), Call("d", "/tmp/x")]
    for size in (1, 3, 7, 100):
        assert list(preload.calls(memoryview(record[n : n + size]) for n in range(0, len(record), size))) == expected


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(st.lists(st.text(max_size=80), max_size=6))
def test_any_lines_are_read_without_an_error(lines: list[str]) -> None:
    found = History()
    found.add(Reader().calls([f"12 openat({line}" for line in lines] + lines))
    assert found.cut is False
