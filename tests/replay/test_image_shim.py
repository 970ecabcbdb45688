"""Does a script get the image that was checked under the name it types, and everything else untouched? With a real shell."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from auditor.replay.images import shim
from auditor.replay.images.obtain import Had
from auditor.verdict import ImageVerdict
from reports.archive.recipe import RecipeImage

ID = f"sha256:{'a' * 64}"


def had(runtime: str, reference: str, word: str, transport: str = "docker") -> tuple[RecipeImage, Had]:
    return RecipeImage(runtime, reference, transport), Had(ImageVerdict(reference, "here", "byte-same", ""), word)


def runtimes(folder: Path, *names: str) -> str:
    """Programs that print the words they are given, one a line."""
    folder.mkdir()
    for name in names:
        (folder / name).write_text('#!/bin/sh\necho "$(basename "$0")"\nprintf "<%s>\\n" "$@"\n')
        (folder / name).chmod(0o755)
    return f"{folder}:/usr/bin:/bin"


def called(shims: shim.Shims, folder: Path, *words: str, path: str = "") -> list[str]:
    environment = {"PATH": f"{shims.folder}:{path or '/usr/bin:/bin'}"}
    ran = subprocess.run(words, capture_output=True, text=True, env=environment, cwd=folder, check=True)
    return ran.stdout.split("\n")[:-1]


def test_the_first_word_that_is_the_image_s_name_is_exchanged_and_nothing_else(tmp_path: Path) -> None:
    path = runtimes(tmp_path / "real", "docker")
    shims = shim.write([had("docker", "lab/count:1", ID)], tmp_path, {}, {"PATH": path})
    words = ("run", "-e", "A=lab/count:1", "--name", "two words", "lab/count:1", "echo", "lab/count:1", "", "*", "$HOME")
    assert called(shims, tmp_path, "docker", *words) == [
        "docker",
        *(f"<{w}>" for w in ("run", "-e", "A=lab/count:1", "--name", "two words", ID, "echo", "lab/count:1", "", "*", "$HOME")),
    ]
    assert shim.unused(shims, tmp_path) == ()


def test_another_image_s_name_goes_through_and_a_name_that_never_came_is_told(tmp_path: Path) -> None:
    path = runtimes(tmp_path / "real", "docker")
    shims = shim.write([had("docker", "lab/count:1", ID)], tmp_path, {}, {"PATH": path})
    assert called(shims, tmp_path, "docker", "run", "lab/count:12") == ["docker", "<run>", "<lab/count:12>"]
    assert shim.unused(shims, tmp_path) == ("lab/count:1",)


def test_the_exit_code_and_the_standard_streams_are_the_runtime_s(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "docker").write_text("#!/bin/sh\ncat\nexit 7\n")
    (tmp_path / "real" / "docker").chmod(0o755)
    shims = shim.write([had("docker", "lab/count:1", ID)], tmp_path, {}, {"PATH": f"{tmp_path}/real"})
    ran = subprocess.run([f"{shims.folder}/docker", "run", "lab/count:1"], input="in", capture_output=True, text=True)
    assert (ran.returncode, ran.stdout) == (7, "in")


@pytest.mark.parametrize("words", [("pull", "lab/count:1"), ("image", "pull", "lab/count:1")])
def test_a_pull_of_what_is_here_by_its_digest_asks_nobody(tmp_path: Path, words: tuple[str, ...]) -> None:
    path = runtimes(tmp_path / "real", "docker")
    shims = shim.write([had("docker", "lab/count:1", ID)], tmp_path, {}, {"PATH": path})
    assert called(shims, tmp_path, "docker", *words) == []


def test_an_id_is_never_asked_of_a_registry(tmp_path: Path) -> None:
    path = runtimes(tmp_path / "real", "podman")
    shims = shim.write([had("podman", "lab/count:1", ID)], tmp_path, {}, {"PATH": path})
    assert called(shims, tmp_path, "podman", "run", "--pull=always", "lab/count:1")[2] == "<--pull=never>"


def test_a_pull_of_an_image_file_copies_the_one_that_was_checked(tmp_path: Path) -> None:
    path = runtimes(tmp_path / "real", "apptainer")
    (tmp_path / "checked.sif").write_text("image")
    shims = shim.write([had("apptainer", "docker://lab/count:1", f"{tmp_path}/checked.sif")], tmp_path, {}, {"PATH": path})
    assert called(shims, tmp_path, "apptainer", "pull", "--force", "mine.sif", "docker://lab/count:1") == []
    assert called(shims, tmp_path, "singularity", "pull", "docker://lab/count:1") == []
    assert (tmp_path / "mine.sif").read_text() == (tmp_path / "count_1.sif").read_text() == "image"


def test_both_names_of_apptainer_lead_to_the_one_that_is_there(tmp_path: Path) -> None:
    runtimes(tmp_path / "real", "apptainer")
    shims = shim.write([had("apptainer", "docker://lab/count:1", "/x.sif")], tmp_path, {}, {"PATH": f"{tmp_path}/real"})
    assert called(shims, tmp_path, "singularity", "exec", "docker://lab/count:1", "true") == [
        "apptainer",
        "<exec>",
        "</x.sif>",
        "<true>",
    ]


def test_an_absolute_path_below_the_old_work_directory_is_also_known_by_its_new_place(tmp_path: Path) -> None:
    path = runtimes(tmp_path / "real", "apptainer")
    image = had("apptainer", "/home/ada/train/x.sif", f"{tmp_path}/images/x.sif", "file")
    shims = shim.write([image], tmp_path, {"/home/ada/train": "/replay/work"}, {"PATH": path})
    for typed in ("/home/ada/train/x.sif", "/replay/work/x.sif"):
        assert called(shims, tmp_path, "apptainer", "exec", typed)[2] == f"<{tmp_path}/images/x.sif>"


def test_a_name_with_a_variable_is_known_by_what_the_variable_holds_now(tmp_path: Path) -> None:
    path = runtimes(tmp_path / "real", "apptainer")
    image = RecipeImage("apptainer", "/home/ada/x.sif", "file", typed="$HOME/x.sif")
    one = Had(ImageVerdict(image.reference, "here", "byte-same", ""), "/checked.sif")
    shims = shim.write([(image, one)], tmp_path, {}, {"PATH": path, "HOME": "/replay"})
    assert called(shims, tmp_path, "apptainer", "exec", "/replay/x.sif")[2] == "</checked.sif>"


def test_a_file_that_stands_where_a_relative_name_leads_needs_no_exchange(tmp_path: Path) -> None:
    path = runtimes(tmp_path / "real", "apptainer")
    shims = shim.write([had("apptainer", "x.sif", f"{tmp_path}/work/x.sif", "file")], tmp_path, {}, {"PATH": path})
    assert shim.unused(shims, tmp_path) == ()


def test_names_with_quotes_and_patterns_are_words_and_no_code(tmp_path: Path) -> None:
    path = runtimes(tmp_path / "real", "apptainer")
    evil = "a'$(touch owned)`touch owned`*.sif"
    shims = shim.write([had("apptainer", evil, f"/x/'; touch {tmp_path}/owned; '.sif", "file")], tmp_path, {}, {"PATH": path})
    assert called(shims, tmp_path, "apptainer", "exec", "abc.sif")[2] == "<abc.sif>"
    assert called(shims, tmp_path, "apptainer", "exec", evil)[2] == f"</x/'; touch {tmp_path}/owned; '.sif>"
    assert not (tmp_path / "owned").exists()


def test_without_a_word_to_exchange_there_is_no_program(tmp_path: Path) -> None:
    assert shim.write([had("docker", "lab/count:1", "")], tmp_path, {}, {"PATH": "/usr/bin"}) == shim.Shims("", ())
