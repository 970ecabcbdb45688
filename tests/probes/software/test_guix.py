"""Is the manifest of a Guix profile read with its channels? A text as guix/profiles.scm writes version 4; Guix is not here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from auditor.model import Absent, Found, Job
from auditor.world import RealWorld
from probes.software import Component
from probes.software.guix import PROBE, Channel, GuixProfile, components, parse

GCC = "/gnu/store/1r8fyg2gr8rgjcrpzw7jdwlgqvixrlzh-gcc-toolchain-12.2.0"
ZLIB = "/gnu/store/rykm237xkmq7rl1p0nwass01p090p88x-zlib-1.2.13"
COMMIT = "44bbfc24e4bcc48d0e3343cd3d83452721af8c36"
MANIFEST = f"""(manifest (version 4)
 (packages (("gcc-toolchain" "12.2.0" "out" "{GCC}"
   (propagated-inputs (("zlib" "1.2.13" "static" "{ZLIB}" (propagated-inputs ()) (search-paths ()))
                       (repeated "zlib" "1.2.13" "out" "{ZLIB}")))
   (search-paths (("PATH" ("bin" "sbin") ":" directory #f)))
   (properties (provenance (repository (version 0) (url "https://git:pw@git.guix.gnu.org/guix.git") (branch "master")
     (commit "{COMMIT}") (name guix) (introduction (channel-introduction (version 0))))))))))
"""


def profile(folder: Path, text: str = MANIFEST) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "manifest").write_text(text)
    return folder


def collect(**env: str) -> Any:
    return PROBE.collect(RealWorld(env, "/"), Job("slurm", "1"))


def test_packages_with_their_store_paths_and_the_channels_that_made_them(tmp_path: Path) -> None:
    where = profile(tmp_path / "abc-profile")

    expected = GuixProfile(
        str(where), "GUIX_ENVIRONMENT", "4",
        (Channel("guix", "https://git.guix.gnu.org/guix.git", "master", COMMIT),),
        (Component("guix", "gcc-toolchain", "12.2.0", "", GCC, "out"), Component("guix", "zlib", "1.2.13", "", ZLIB, "static")),
    )  # fmt: skip
    assert collect(GUIX_ENVIRONMENT=str(where)) == Found(expected, f"{where}/manifest")


def test_a_profile_is_also_found_by_path_and_its_channels_in_what_was_pulled(tmp_path: Path) -> None:
    bare = (
        '(manifest (version 3) (packages (("hello" "2.12" "out" "/gnu/store/x-hello" (propagated-inputs ()) (search-paths ())))))'
    )
    where = profile(tmp_path / ".guix-profile", bare)
    profile(tmp_path / ".config/guix/current")
    seen = collect(HOME=str(tmp_path), PATH=f"/usr/bin:{where}/bin")

    assert (seen.value.chosen_by, seen.value.version, [c.name for c in seen.value.components]) == ("PATH", "3", ["hello"])
    assert [c.commit for c in seen.value.channels] == [COMMIT]


def test_text_that_is_no_manifest_is_read_as_far_as_it_goes() -> None:
    texts = ("", ")))", "(" * 10_000, '("a" "1" "out"', '("a" "1" "out" "/gnu/store/x"', '("a" "1" "out" 7)', "plain words")
    assert [[c.name for c in components(parse(t))] for t in texts] == [[], [], [], [], ["a"], [], []]


def test_a_quote_inside_a_text_does_not_end_it() -> None:
    assert parse('("a \\"b\\" c" ; a remark (\n d)') == [['a "b" c', "d"]]


def test_a_job_without_guix_is_absent(tmp_path: Path) -> None:
    assert collect(GUIX_PROFILE=str(tmp_path)) == Absent("the job uses no Guix profile")
