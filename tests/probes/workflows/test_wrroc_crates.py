"""What is read of Workflow Run RO-Crates: the shapes of runcrate, nf-prov, Galaxy, COMPSs, StreamFlow, WfExS, and our own bundles.

The shapes are those of the public examples in https://github.com/ResearchObject/workflow-run-crate, written anew and cut to what matters.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from auditor.world import RealWorld
from probes.workflows import Digest, Environment, File, Place, State, Unreadable, Used, WorkflowRun, wrroc
from tests import archived

META = "ro-crate-metadata.json"
SHA = {letter: letter * 64 for letter in "abcdef"}
Entity = dict[str, Any]


def ref(*ids: str) -> Any:
    return {"@id": ids[0]} if len(ids) == 1 else [{"@id": i} for i in ids]


def crate(folder: Path, *entities: Entity, root: Entity | None = None, version: str = "1.1", name: str = META) -> Path:
    head: list[Entity] = [
        {"@id": META, "@type": "CreativeWork", "about": ref("./"), "conformsTo": ref(f"https://w3id.org/ro/crate/{version}")},
        {
            "@id": "./",
            "@type": "Dataset",
            "name": "a crate",
            "conformsTo": ref("https://w3id.org/ro/wfrun/process/0.5"),
            **(root or {}),
        },
    ]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(
        json.dumps({"@context": f"https://w3id.org/ro/crate/{version}/context", "@graph": [*head, *entities]})
    )
    return folder


def runs_of(folder: Path) -> list[WorkflowRun]:
    return list(wrroc.READER.read(RealWorld(), str(folder)))


def action(ident: str, tool: str, **more: Any) -> Entity:
    return {"@id": ident, "@type": "CreateAction", "instrument": ref(tool), **more}


def file(ident: str, **more: Any) -> Entity:
    return {"@id": ident, "@type": "File", **more}


DONE, FAILED = "http://schema.org/CompletedActionStatus", "http://schema.org/FailedActionStatus"
WORKFLOW: Entity = {
    "@id": "packed.cwl",
    "@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow", "HowTo"],
    "name": "campaign",
    "sha256": SHA["a"],
    "programmingLanguage": ref("#cwl"),
    "hasPart": ref("packed.cwl#sim", "packed.cwl#train"),
    "step": ref("packed.cwl#main/simulate", "packed.cwl#main/train"),
}
STEPS = (
    {"@id": "packed.cwl#main/simulate", "@type": "HowToStep", "workExample": ref("packed.cwl#sim"), "position": "0"},
    {"@id": "packed.cwl#main/train", "@type": "HowToStep", "workExample": ref("packed.cwl#train"), "position": "1"},
    {"@id": "packed.cwl#sim", "@type": "SoftwareApplication", "name": "sim.sh"},
    {"@id": "packed.cwl#train", "@type": "SoftwareApplication", "name": "train.py", "softwareRequirements": ref("#torch")},
    {"@id": "#torch", "@type": "SoftwareApplication", "name": "torch", "softwareVersion": "2.1"},
    {"@id": "#cwl", "@type": "ComputerLanguage", "name": "Common Workflow Language", "version": "v1.2"},
)
RUNCRATE = (
    WORKFLOW,
    *STEPS,
    {
        "@id": "#organise",
        "@type": "OrganizeAction",
        "instrument": ref("#engine"),
        "object": ref("#c1", "#c2"),
        "result": ref("#run"),
    },
    {"@id": "#engine", "@type": "SoftwareApplication", "name": "cwltool 3.1", "softwareVersion": "3.1"},
    {"@id": "#c1", "@type": "ControlAction", "instrument": ref("packed.cwl#main/simulate"), "object": ref("#s1", "#s2")},
    {"@id": "#c2", "@type": "ControlAction", "instrument": ref("packed.cwl#main/train"), "object": ref("#t")},
    action("#s1", "packed.cwl#sim", object=ref("#seed"), result=ref("out/1.txt"), actionStatus=DONE),
    action("#s2", "packed.cwl#sim", result=ref("out/2.txt"), actionStatus=DONE),
    action(
        "#t",
        "packed.cwl#train",
        object=ref("#both"),
        result=ref("model.h5"),
        actionStatus={"@id": FAILED},
        error="out of memory",
        startTime="2026-11-23T12:00:00+01:00",
        endTime="2026-11-23T12:00:30+01:00",
        containerImage=ref("#image"),
    ),
    action("#run", "packed.cwl", object=ref("in.csv", "#seed"), result=ref("model.h5"), actionStatus=FAILED, agent=ref("#ada")),
    {"@id": "#ada", "@type": "Person", "name": "Ada Lovelace"},
    {"@id": "#both", "@type": "Collection", "hasPart": ref("out/1.txt", "out/2.txt")},
    {"@id": "#seed", "@type": "PropertyValue", "exampleOfWork": ref("#param"), "value": 7},
    {"@id": "#param", "@type": "FormalParameter", "name": "seed", "additionalType": "Integer"},
    {
        "@id": "#image",
        "@type": "ContainerImage",
        "additionalType": "https://w3id.org/ro/terms/workflow-run#DockerImage",
        "registry": "docker.io",
        "name": "pytorch/pytorch",
        "tag": "2.1",
        "sha256": SHA["b"],
    },
    file("out/1.txt", contentSize="2", sha256=SHA["c"]),
    file("out/2.txt", md5="d" * 32),
    file("model.h5"),
    file("in.csv"),
)


def provenance(folder: Path, **changes: Any) -> WorkflowRun:
    (run,) = runs_of(crate(folder, *RUNCRATE, root={"mainEntity": ref("packed.cwl"), **changes}))
    return run


def test_a_provenance_crate_tells_engine_steps_and_edges(tmp_path: Path) -> None:
    run = provenance(tmp_path)

    assert (run.system, run.version, run.id, run.name, run.user) == ("cwltool", "3.1", "#run", "campaign", "Ada Lovelace")
    assert (run.state, run.proof) == (State.FAILED, f"{META}: actionStatus FailedActionStatus")
    assert {t.id: (t.name, t.state, t.needs) for t in run.tasks} == {
        "#s1": ("simulate", State.SUCCEEDED, ()),
        "#s2": ("simulate", State.SUCCEEDED, ()),
        "#t": ("train", State.FAILED, ("#s1", "#s2")),
    }
    assert run.parameters == {"seed": "7"}
    assert (run.inputs, run.outputs) == ((File("in.csv", "input"),), (File("model.h5", "output"),))


def test_files_carry_sizes_and_checksums(tmp_path: Path) -> None:
    train = provenance(tmp_path).tasks[2]

    assert train.files == (
        File("out/1.txt", "input", 2, (Digest("sha256", SHA["c"]),)),
        File("out/2.txt", "input", None, (Digest("md5", "d" * 32),)),
        File("model.h5", "output"),
    )


def test_an_image_of_an_action_was_used_and_software_of_a_tool_only_asked_for(tmp_path: Path) -> None:
    assert provenance(tmp_path).tasks[2].environments == (
        Environment(
            "container", "docker.io/pytorch/pytorch:2.1", enacted=Place(META, "@id #t"), digests=(Digest("sha256", SHA["b"]),)
        ),
        Environment("software", "torch 2.1", declared=Place(META, "@id packed.cwl#train")),
    )


def test_a_failure_has_the_words_of_the_crate_and_its_times_in_utc(tmp_path: Path) -> None:
    (attempt,) = provenance(tmp_path).tasks[2].attempts

    assert (attempt.reason, attempt.started, attempt.ended) == (
        "out of memory",
        "2026-11-23T11:00:00+00:00",
        "2026-11-23T11:00:30+00:00",
    )


@pytest.mark.parametrize(
    ("said", "state"),
    [
        (DONE, State.SUCCEEDED),
        ({"@id": DONE}, State.SUCCEEDED),
        ("CompletedActionStatus", State.SUCCEEDED),
        ("https://schema.org/FailedActionStatus", State.FAILED),
        ("http://schema.org/ActiveActionStatus", State.RUNNING),
        ("http://schema.org/PotentialActionStatus", State.NOT_RUN),
        ("fine", State.UNKNOWN),
        (None, State.UNKNOWN),
    ],
)
def test_an_action_without_a_known_status_is_not_known_to_have_succeeded(tmp_path: Path, said: Any, state: State) -> None:
    (run,) = runs_of(crate(tmp_path, action("#a", "#tool", actionStatus=said), {"@id": "#tool", "@type": "SoftwareApplication"}))

    assert run.tasks[0].state is state


def test_a_process_crate_is_one_run_of_all_its_actions(tmp_path: Path) -> None:
    convert = {"@id": "https://imagemagick.org/", "@type": "SoftwareApplication", "name": "ImageMagick"}
    made = action("#sepia", convert["@id"], actionStatus=DONE, object=ref("a%20b.jpg"), result=ref("sepia.jpg"))
    grey = action(
        "#grey", convert["@id"], actionStatus=DONE, object=ref("sepia.jpg"), description="convert sepia.jpg -gray grey.jpg"
    )

    (run,) = runs_of(crate(tmp_path, convert, made, grey, file("a%20b.jpg"), file("sepia.jpg")))

    assert (run.system, run.state, run.name) == ("process-run-crate", State.SUCCEEDED, "a crate")
    assert [(t.name, t.needs) for t in run.tasks] == [("ImageMagick", ()), ("ImageMagick", ("#sepia",))]
    assert run.tasks[0].files[0].path == "a b.jpg"
    assert [t.command for t in run.tasks] == ["", "convert sepia.jpg -gray grey.jpg"]


def test_resources_are_read_by_quantity_and_unit(tmp_path: Path) -> None:
    usage = (
        ("realTime", "https://w3id.org/ro/terms/nf-trace#realTime", "https://qudt.org/vocab/unit/MilliSEC", "500"),
        ("peakRSS", "https://w3id.org/ro/terms/nf-trace#peakRSS", "https://qudt.org/vocab/unit/BYTE", "1024"),
        ("rChar", "https://w3id.org/ro/terms/nf-trace#rChar", "https://qudt.org/vocab/unit/BYTE", "145813"),
        ("percentCPU", "https://w3id.org/ro/terms/nf-trace#percentCPU", "", "66.7"),
        ("cpu", "https://slurm.schedmd.com/sacct.html#OPT_TotalCPU", "https://qudt.org/vocab/unit/SEC", "3.5"),
    )
    values = [
        {"@id": f"#{n}", "@type": "PropertyValue", "name": n, "propertyID": p, "unitCode": u, "value": v} for n, p, u, v in usage
    ]
    made = action("#a", "#tool", resourceUsage=ref(*(f"#{n}" for n, *_ in usage)))

    (run,) = runs_of(crate(tmp_path, made, {"@id": "#tool", "@type": "SoftwareApplication"}, *values))

    assert run.tasks[0].used == Used(0.5, 3.5, 1024, 145813, None, place=Place(META, "@id #a"))


def test_a_nextflow_crate_without_steps_says_so(tmp_path: Path) -> None:
    main = {"@id": "main.nf", "@type": ["File", "ComputationalWorkflow"], "programmingLanguage": ref("#nf"), "version": "0123abc"}
    language = {"@id": "#nf", "@type": "ComputerLanguage", "name": "Nextflow", "version": "23.04"}

    (run,) = runs_of(
        crate(tmp_path, main, language, action("#r", "main.nf", actionStatus=DONE), root={"mainEntity": ref("main.nf")})
    )

    assert (run.system, run.version, run.state, run.tasks) == ("nextflow", "23.04", State.SUCCEEDED, ())
    assert run.gaps == ("the crate records the run as a whole, and none of its steps",)
    assert run.definitions[0].revision == "0123abc"


def test_a_galaxy_crate_without_an_instrument_s_status_is_unknown(tmp_path: Path) -> None:
    main = {
        "@id": "w.ga",
        "@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow"],
        "programmingLanguage": ref("#galaxy"),
    }
    galaxy = {"@id": "#galaxy", "@type": "ComputerLanguage", "name": "Galaxy"}
    run_action = action("#r", "w.ga", endTime="2018-09-19T17:01:07+10:00")

    (run,) = runs_of(crate(tmp_path, main, galaxy, run_action, root={"mainEntity": ref("w.ga")}))

    assert (run.system, run.state, run.ended) == ("galaxy", State.UNKNOWN, "2018-09-19T07:01:07+00:00")


def test_two_executions_of_one_workflow_are_two_runs_each_with_its_own_steps(tmp_path: Path) -> None:
    entities: list[Entity] = [WORKFLOW, *STEPS]
    for n in ("1", "2"):
        entities += [
            {
                "@id": f"#o{n}",
                "@type": "OrganizeAction",
                "instrument": ref("#e"),
                "object": ref(f"#c{n}"),
                "result": ref(f"#r{n}"),
            },
            {"@id": f"#c{n}", "@type": "ControlAction", "instrument": ref("packed.cwl#main/train"), "object": ref(f"#t{n}")},
            action(f"#t{n}", "packed.cwl#train", actionStatus=DONE),
            action(f"#r{n}", "packed.cwl", actionStatus=DONE),
        ]

    runs = runs_of(crate(tmp_path, *entities, {"@id": "#e", "@type": "SoftwareApplication", "name": "StreamFlow"}))

    assert [(r.system, r.id, [t.id for t in r.tasks]) for r in runs] == [
        ("streamflow", "#r1", ["#t1"]),
        ("streamflow", "#r2", ["#t2"]),
    ]


def test_an_orchestrated_step_that_was_refused_is_an_event(tmp_path: Path) -> None:
    gate = {"@id": "#g", "@type": "ControlAction", "name": "quality gate", "actionStatus": FAILED, "object": ref("#none")}

    (run,) = runs_of(
        crate(tmp_path, gate, action("#a", "#tool", actionStatus=DONE), {"@id": "#tool", "@type": "SoftwareApplication"})
    )

    assert [(e.what, e.text) for e in run.events] == [("refused", "quality gate")]


@pytest.mark.parametrize(("version", "profile"), [("1.1", "0.1-DRAFT"), ("1.1", "0.5"), ("1.2", "0.5"), ("1.3", "0.6")])
def test_every_generation_is_read_alike_and_named(tmp_path: Path, version: str, profile: str) -> None:
    root = {"conformsTo": [ref(f"https://w3id.org/ro/wfrun/process/{profile}")]}
    tool = {"@id": "#tool", "@type": "SoftwareApplication"}

    (run,) = runs_of(crate(tmp_path, action("#a", "#tool", actionStatus=DONE), tool, root=root, version=version))

    assert run.places == (Place(META, f"crate/{version}, process/{profile}"),)


def test_our_own_bundle_is_such_a_crate(tmp_path: Path) -> None:
    archived.bundle(tmp_path)
    with zipfile.ZipFile(tmp_path / "fit.crate.zip") as bag:
        bag.extractall(tmp_path / "bag")
    (meta,) = (tmp_path / "bag").rglob(META)

    (run,) = runs_of(meta.parent)

    (job,) = run.tasks
    assert (run.system, run.state, job.state) == ("process-run-crate", State.SUCCEEDED, State.SUCCEEDED)
    sums = {f.path.rsplit("/", 1)[-1]: f.digests for f in job.files}
    assert sums["out.csv"] == (Digest("sha256", hashlib.sha256(archived.OUTPUT.encode()).hexdigest()),)
    assert {f.role for f in job.files} == {"input", "output"}
    assert job.used.seconds == 600.0


def test_a_crate_about_data_alone_is_no_run(tmp_path: Path) -> None:
    assert runs_of(crate(tmp_path, file("data.csv"))) == []


def test_a_detached_crate_has_a_name_before_the_metadata_s(tmp_path: Path) -> None:
    tool = {"@id": "#tool", "@type": "SoftwareApplication"}

    (run,) = runs_of(crate(tmp_path, action("#a", "#tool"), tool, name=f"mine-{META}"))

    assert run.places[0].path == f"mine-{META}"


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"@graph": {}}', "[" * 100_000])
def test_what_is_no_crate_is_told_in_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / META).write_text(text)

    with pytest.raises(Unreadable) as raised:
        runs_of(tmp_path)

    assert "\n" not in str(raised.value)


def test_a_crate_of_a_gigabyte_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / META).open("wb") as file:
        file.truncate(1 << 30)

    with pytest.raises(Unreadable, match="more than"):
        runs_of(tmp_path)


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    crate(tmp_path / "secret", action("#a", "#tool"))
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / META).symlink_to(tmp_path / "secret" / META)

    with pytest.raises(OSError, match="link"):
        runs_of(tmp_path / "run")


@pytest.mark.parametrize("value", [None, 7, "x", [], [None], {}, {"@id": 7}, {"@id": None}, [[["deep"]]], {"@value": "v"}, True])
def test_values_of_any_other_shape_are_left_out(tmp_path: Path, value: Any) -> None:
    keys = (
        "instrument",
        "object",
        "result",
        "agent",
        "containerImage",
        "resourceUsage",
        "startTime",
        "error",
        "description",
        "@type",
    )
    odd = {**action("#a", "#tool"), **dict.fromkeys(keys[:-1], value)}

    runs = runs_of(
        crate(tmp_path, odd, {"@id": "#b", "@type": value}, {"@id": value, "@type": "CreateAction"}, root={"mainEntity": value})
    )

    assert "#a" in [t.id for r in runs for t in r.tasks]


def test_cycles_of_collections_and_of_files_end(tmp_path: Path) -> None:
    loop = {"@id": "#loop", "@type": "Collection", "hasPart": ref("#loop", "x.txt")}
    a = action("#a", "#tool", object=ref("#loop"), result=ref("y.txt"))
    b = action("#b", "#tool", object=ref("y.txt"), result=ref("x.txt"))

    (run,) = runs_of(crate(tmp_path, loop, a, b, file("x.txt"), file("y.txt"), {"@id": "#tool", "@type": "SoftwareApplication"}))

    assert {t.id: t.needs for t in run.tasks} == {"#a": ("#b",), "#b": ("#a",)}


def test_control_sequences_do_not_come_through(tmp_path: Path) -> None:
    tool = {"@id": "#tool", "@type": "SoftwareApplication", "name": "to\x1b[31mol\nx"}
    made = action("#a", "#tool", result=ref("a\x1b]0;t\x07\n.txt"), actionStatus=FAILED, error="bad\x1b[2J\nthing")

    (run,) = runs_of(crate(tmp_path, tool, made, file("a\x1b]0;t\x07\n.txt")))

    assert "\\x1b" not in repr(run) and "\\n" not in repr(run)
