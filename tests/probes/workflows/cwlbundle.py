"""How does a test write a CWLProv bundle down? The files that cwltool 3.3 writes, with what this test changes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

SHA1 = {name: letter * 40 for name, letter in (("one", "1"), ("two", "2"), ("model", "3"), ("next", "4"))}
LOG = """\
[2026-11-23T21:24:15,88.000000Z] [cwltool] /opt/cwltool --no-container --provenance ok campaign.cwl job.yml
[2026-11-23T21:24:15,900.000000Z] [workflow ] start
[2026-11-23T21:24:15,906.000000Z] [job simulate] /tmp/a$ sh \\
    -c \\
    'echo 1 > result.txt'
[2026-11-23T21:24:15,909.000000Z] [job simulate] completed success
[2026-11-23T21:24:15,910.000000Z] [job simulate_2] /tmp/b$ sh \\
    -c \\
    'echo 2 > result.txt'
[2026-11-23T21:24:15,913.000000Z] [job simulate_2] completed success
[2026-11-23T21:24:15,915.000000Z] [job train] /tmp/c$ cat \\
    /tmp/d/result.txt > /tmp/c/model.txt
[2026-11-23T21:24:15,917.000000Z] [job train] Max memory used: 12MiB
[2026-11-23T21:24:16,4.000000Z] [job train] completed success
[2026-11-23T21:24:16,14.000000Z] Final process status is success
"""
FAILED_LOG = (
    LOG.replace("[job train] completed success", "[job train] exited with status: 3\n[2026-11-23T21:24:16,5.000000Z] X")
    .replace("X", "[job train] completed permanentFail")
    .replace("status is success", "status is permanentFail")
)
PACKED: dict[str, Any] = {
    "cwlVersion": "v1.2",
    "$graph": [
        {
            "class": "Workflow",
            "id": "#main",
            "inputs": [],
            "outputs": [],
            "requirements": [{"class": "ResourceRequirement", "coresMin": 2, "ramMin": 1024}],
            "steps": [
                {"id": "#main/simulate", "run": "#simulate.cwl", "scatter": "#main/simulate/seed", "in": [], "out": []},
                {
                    "id": "#main/train",
                    "run": "#train.cwl",
                    "in": [{"id": "#main/train/results", "source": ["#main/simulate/result"]}],
                    "out": [],
                },
                {"id": "#main/report", "run": "#report.cwl", "in": [{"source": "#main/train/model"}], "out": []},
            ],
        },
        {
            "class": "CommandLineTool",
            "id": "#simulate.cwl",
            "hints": [{"class": "DockerRequirement", "dockerPull": "debian@sha256:" + "d" * 64}],
            "requirements": [
                {"class": "ResourceRequirement", "coresMin": 4, "ramMin": "$(inputs.size)", "tmpdirMin": 10, "outdirMin": 5},
                {"class": "http://commonwl.org/cwltool#CUDARequirement", "cudaDeviceCountMin": 1},
                {"class": "ToolTimeLimit", "timelimit": 60},
            ],
        },
        {
            "class": "CommandLineTool",
            "id": "#train.cwl",
            "hints": [{"class": "SoftwareRequirement", "packages": [{"package": "samtools", "version": ["1.3"]}]}],
        },
        {"class": "CommandLineTool", "id": "#report.cwl"},
    ],
}


def _qualified(name: str) -> dict[str, str]:
    return {"$": name, "type": "prov:QUALIFIED_NAME"}


def prov(hours: int = 0) -> dict[str, Any]:
    """Two simulations and a training that reads what both made, by a clock that is `hours` before UTC's."""
    hour = f"{21 + hours:02d}"
    return {
        "agent": {
            "id:engine": [
                {"prov:type": [_qualified("prov:SoftwareAgent"), _qualified("wfprov:WorkflowEngine")]},
                {"prov:label": "cwltool 3.3.20260925135507"},
            ],
            "id:ada": {"prov:type": _qualified("prov:Person"), "prov:label": "Ada Lovelace"},
        },
        "wasStartedBy": {
            "_:id1": {"prov:activity": "id:engine", "prov:starter": "id:ada", "prov:time": f"2026-11-23T{hour}:24:15.595852"},
            "_:id3": {"prov:activity": "id:run", "prov:starter": "id:engine", "prov:time": f"2026-11-23T{hour}:24:15.600000"},
        },
        "activity": {
            "id:run": {
                "prov:startTime": f"2026-11-23T{hour}:24:15.600000",
                "prov:type": _qualified("wfprov:WorkflowRun"),
                "prov:label": "Run of workflow/packed.cwl#main",
            },
            "id:s1": {"prov:type": _qualified("wfprov:ProcessRun"), "prov:label": "Run of workflow/packed.cwl#main/simulate"},
            "id:s2": {"prov:type": _qualified("wfprov:ProcessRun"), "prov:label": "Run of workflow/packed.cwl#main/simulate_2"},
            "id:t": {"prov:type": _qualified("wfprov:ProcessRun"), "prov:label": "Run of workflow/packed.cwl#main/train"},
        },
        "entity": {
            "id:r1": {"cwlprov:basename": "result.txt"},
            "id:r2": [{"prov:type": _qualified("wf4ever:File")}, {"cwlprov:basename": "result.txt"}],
            "id:both": {"prov:type": _qualified("prov:Collection")},
            "id:m": {"cwlprov:basename": "model.txt"},
            "id:seed": {"prov:value": {"$": 7, "type": "xsd:int"}},
        },
        "hadMember": {
            "_:m1": {"prov:collection": "id:both", "prov:entity": "id:r1"},
            "_:m2": {"prov:collection": "id:both", "prov:entity": "id:r2"},
        },
        "specializationOf": {
            "_:s1": {"prov:specificEntity": "id:r1", "prov:generalEntity": f"data:{SHA1['one']}"},
            "_:s2": {"prov:specificEntity": "id:r2", "prov:generalEntity": f"data:{SHA1['two']}"},
            "_:s3": {"prov:specificEntity": "id:m", "prov:generalEntity": f"data:{SHA1['model']}"},
        },
        "used": {
            "_:u1": {"prov:activity": "id:t", "prov:entity": "id:both", "prov:role": _qualified("wf:main/train/results")},
            "_:u2": {"prov:activity": "id:s1", "prov:entity": "id:seed", "prov:role": _qualified("wf:main/simulate/seed")},
        },
        "wasGeneratedBy": {
            "_:g1": {"prov:activity": "id:s1", "prov:entity": "id:r1", "prov:role": _qualified("wf:main/simulate/result")},
            "_:g2": {"prov:activity": "id:s2", "prov:entity": "id:r2", "prov:role": _qualified("wf:main/simulate_2/result")},
            "_:g3": {"prov:activity": "id:t", "prov:entity": "id:m", "prov:role": _qualified("wf:main/train/model")},
            "_:g4": {"prov:activity": "id:run", "prov:entity": "id:m", "prov:role": _qualified("wf:main/primary/model")},
        },
        "wasEndedBy": {
            f"_:e{n}": {"prov:activity": a, "prov:ender": "id:engine", "prov:time": f"2026-11-23T{hour}:24:16.010000"}
            for n, a in enumerate(("id:s1", "id:s2", "id:t", "id:run"))
        },
    }


def bundle(folder: Path, *, log: str | None = LOG, record: Any = None, packed: Any = None) -> Path:
    """A bundle as `cwltool --provenance FOLDER` leaves it. log None: without an engine log."""
    texts = {
        "metadata/manifest.json": json.dumps({"createdBy": {"name": "cwltool 3.3.20260925135507"}, "authoredBy": None}),
        "metadata/provenance/primary.cwlprov.json": json.dumps(prov() if record is None else record),
        "workflow/packed.cwl": json.dumps(PACKED if packed is None else packed),
        "workflow/primary-job.json": json.dumps({"seeds": [1, 2], "name": "demo", "data": {"class": "File", "location": "x"}}),
        "workflow/primary-output.json": "{}",
        "snapshot/campaign.cwl": "cwlVersion: v1.2\n",
        "tagmanifest-sha256.txt": f"{'a' * 64} workflow/packed.cwl\n",
        f"data/11/{SHA1['one']}": "1\n",
    }
    if log is not None:
        texts["metadata/logs/engine.ee63440f.txt"] = log
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder
