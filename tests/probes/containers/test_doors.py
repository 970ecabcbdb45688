"""What does the host let into a container? Each row: a line of a job, and the doors that are not as the runtime's default has them."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.codec import dumps, loads
from probes.containers import ContainerReferences, Door, Doors, Reference, State
from probes.containers.doors import doors
from probes.containers.scripts import references

NAMES = [f.name for f in dataclasses.fields(Doors) if f.name not in ("binds", "variables")]
HOME = {"HOME": "/home/a"}


def doors_of(line: str, environ: dict[str, str]) -> Doors:
    [found] = [r for r in references(line, {**HOME, **environ}) if r.action == "run"]
    assert found.doors is not None
    return found.doors


def states(found: Doors) -> dict[str, str]:
    return {name: str(getattr(found, name).state) for name in NAMES}


DEFAULTS = {
    "apptainer exec x.sif a": "home environment folder temporary network",
    "docker run lab/x": "",
    "podman run lab/x": "",
    "ch-run img -- a": "environment temporary network",
    "srun --container-image=lab/x a": "environment network",
    "enroot start x.sqsh": "network",
    "shifter --image=lab/x a": "environment network",
    "sarus run lab/x": "environment network",
    "srun --container=/b a": "",
}


@pytest.mark.parametrize(("line", "expected"), DEFAULTS.items())
def test_each_runtime_leaves_its_own_doors_open_by_default(line: str, expected: str) -> None:
    found = doors_of(line, {})
    assert [name for name, state in states(found).items() if state == "open"] == expected.split()
    assert {getattr(found, name).by.split(" of ")[0] for name in NAMES} == {"default"}


ROWS = [
    ("apptainer exec --contain x.sif a", {}, "home=shut:--contain; folder=shut:--contain; temporary=shut:--contain"),
    ("apptainer exec -e x.sif a", {}, "environment=shut:-e"),
    ("apptainer exec -C x.sif a", {}, "home=shut:-C; environment=shut:-C; folder=shut:-C; temporary=shut:-C"),
    ("apptainer exec --no-home --no-mount tmp,cwd x.sif a", {},
     "home=shut:--no-home; folder=shut:--no-mount=cwd; temporary=shut:--no-mount=tmp"),
    ("apptainer exec --nv --fakeroot -w --overlay o.img box/ a", {},
     "gpu=open:--nv; root=open:--fakeroot; writable=open:-w; overlay=open:--overlay=o.img"),
    ("apptainer exec --writable-tmpfs x.sif a", {}, ""),
    ("apptainer exec -c -B /data -B $HOME:/h x.sif a", {}, "home=open:bind /home/a:/h; folder=shut:-c; temporary=shut:-c"),
    ("apptainer exec -H /tmp/h x.sif a", {}, "home=shut:--home=/tmp/h"),
    ("apptainer exec --net --network=none x.sif a", {}, "network=shut:--net"),
    ("apptainer exec x.sif a", {"APPTAINER_NV": "1", "SINGULARITY_CLEANENV": "true", "APPTAINER_NO_HOME": "0"},
     "gpu=open:$APPTAINER_NV; environment=shut:$SINGULARITY_CLEANENV"),
    ("export APPTAINER_CONTAIN=1\napptainer exec x.sif a", {},
     "home=shut:$APPTAINER_CONTAIN; folder=shut:$APPTAINER_CONTAIN; temporary=shut:$APPTAINER_CONTAIN"),
    ("APPTAINER_CONTAIN=1\napptainer exec x.sif a", {}, ""),  # set, but not exported
    ("APPTAINER_OVERLAY=o.img apptainer exec x.sif a", {}, "overlay=open:$APPTAINER_OVERLAY"),
    ("unset APPTAINER_NV; apptainer exec x.sif a", {"APPTAINER_NV": "1"}, ""),
    ("apptainer exec $OPTS x.sif a", {}, "; ".join(f"{n}=unknown:options in $OPTS, which only the run knows" for n in NAMES)),
    ("docker run --gpus all --network host --privileged lab/x", {}, "gpu=open:--gpus=all; network=open:--network=host; root=open:--privileged"),
    ("docker run -u 1000:1000 -v $HOME:$HOME -v /tmp:/tmp lab/x", {},
     "home=open:bind /home/a:/home/a; temporary=open:bind /tmp:/tmp; root=shut:-u 1000:1000"),
    ("docker run -v $PWD:/w lab/x", {}, "home=open:bind /:/w; folder=open:bind /:/w; temporary=open:bind /:/w"),
    ("docker run --mount type=bind,src=/home,target=/h lab/x", {}, "home=open:bind /home:/h"),
    ("docker run --device nvidia.com/gpu=all lab/x", {}, "gpu=open:--device=nvidia.com/gpu=all"),
    ("podman run --env-host --userns=keep-id lab/x", {}, "environment=open:--env-host; root=shut:--userns=keep-id"),
    ("podman-hpc run --gpu lab/x", {}, "gpu=open:--gpu"),
    ("docker exec trainer a", {}, "writable=open:a container that was there before"),
    ("ch-run --home -w --unset-env='*' -t img -- a", {}, "home=open:--home; writable=open:-w; environment=shut:--unset-env=*; temporary=shut:-t"),
    ("srun --container-image=lab/x --container-mount-home --container-name=n a", {},
     "home=open:--container-mount-home; writable=unknown:default of pyxis (the site's enroot.conf decides)"),
    ("srun --container-image=lab/x --no-container-mount-home --container-writable a", {}, "home=shut:--no-container-mount-home"),
    ("srun --container-image=lab/x a", {"PYXIS_CONTAINER_MOUNT_HOME": "1"}, "home=open:$PYXIS_CONTAINER_MOUNT_HOME"),
    ("enroot start --rw --root x.sqsh", {"ENROOT_MOUNT_HOME": "n"}, "writable=open:--rw; root=open:--root; home=shut:$ENROOT_MOUNT_HOME"),
    ("enroot start x.sqsh", {"NVIDIA_VISIBLE_DEVICES": "all"}, "gpu=open:$NVIDIA_VISIBLE_DEVICES"),
    ("shifter --image=lab/x --module=gpu --clearenv a", {}, "gpu=open:--module=gpu; environment=shut:--clearenv"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "environ", "expected"), ROWS, ids=[f"{row[0]} {' '.join(row[1])}" for row in ROWS])
def test_options_and_variables_open_and_shut_doors(line: str, environ: dict[str, str], expected: str) -> None:
    found = doors_of(line, environ)
    bare = next(d for d in DEFAULTS if references(d, {})[0].runtime == references(line, {})[0].runtime)
    usual = doors_of(bare, {})
    changed = {n: getattr(found, n) for n in NAMES if getattr(found, n) != getattr(usual, n)}
    wanted = [item.partition("=") for item in expected.split("; ") if item]
    assert changed == {name: Door(State(value.partition(":")[0]), value.partition(":")[2]) for name, _, value in wanted}


def test_binds_and_variables_are_listed_as_asked_for_and_no_value_is_kept() -> None:
    line = "apptainer exec -B /a:/b:ro,/c --mount type=bind,source=/d,destination=/e --env A=1,B_TOKEN=x x.sif a"
    found = doors_of(line, {"APPTAINER_BIND": "/f", "SINGULARITY_BINDPATH": "/g:/h", "APPTAINERENV_SECRET": "hunter2"})
    assert found.binds == ("/a:/b:ro", "/c", "/f", "/g:/h", "/d:/e")
    assert found.variables == ("A", "B_TOKEN", "SECRET")
    assert b"hunter2" not in dumps(found)


def test_a_reference_with_doors_survives_json_and_one_from_before_them_is_still_read() -> None:
    found = ContainerReferences(references("apptainer exec --nv x.sif a", HOME))
    assert loads(dumps(found), ContainerReferences) == found
    old = Reference("apptainer", "x.sif", "x.sif", "file", "", "x.sif", "", "", 2)
    bare = {f.name: getattr(old, f.name) for f in dataclasses.fields(Reference)[:9]}
    assert loads(dumps({"references": [bare]}), ContainerReferences) == ContainerReferences((old,))


WORDS = [
    "--nv",
    "-B /a:/b",
    "--bind=",
    "-e",
    "--env=A",
    "-u 0",
    "--network=host",
    "--",
    "-",
    "=",
    "$X",
    "--home=~",
    "-v .",
    "--no-mount=cwd,,",
]


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(
    st.sampled_from("apptainer docker podman charliecloud enroot pyxis shifter sarus slurm-oci x".split()),
    st.lists(st.sampled_from(WORDS) | st.text(max_size=8), max_size=6),
    st.dictionaries(
        st.sampled_from(["HOME", "PWD", "APPTAINER_BIND", "SHIFTER_VOLUME", "ENROOT_MOUNT_HOME"]), st.text(max_size=5)
    ),
)
def test_no_options_and_no_variables_stop_the_reading(runtime: str, options: list[str], environ: dict[str, str]) -> None:
    reference = Reference(runtime, "x", "x", "docker", "", "x", "", "", 1, options=tuple(options))
    assert {getattr(doors(reference, environ), name).state for name in NAMES} <= set(State)
