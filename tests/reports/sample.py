"""Which scorecards do the page tests read? Literal ones: a good example, an empty one, a broken one and a nasty one."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

from auditor.model import Grade, Outcome, Phase, Status
from auditor.scorecard import (
    Change,
    Cited,
    Count,
    Edge,
    Finding,
    Gauge,
    ImageSeen,
    Leak,
    Node,
    RunCard,
    Rung,
    Scorecard,
    Software,
    Span,
    Story,
    Surroundings,
    TipScore,
    Way,
)

GIB = 2**30
CODE = "9f2c1b7e40d35a6688c2f0e1b4a7d9350c6e8f12a4b60d79e3518c2f7ab94d10"
DATA = "41d08e5b7c3fa2960e1d4b85c7f2309a6be4d1587f03c29ea86b5d4017c3f2e8"
IMAGE = "c5b1261d6d3e43071626931fc004f70149baeba2c8ec672bd4f27761f8e1ad6b"


def digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def cited(
    probe: str,
    kind: str,
    phase: Phase = Phase.START,
    excerpt: Any = None,
    status: Status = Status.OK,
    source: str = "",
    reason: str = "",
    grade: Grade = Grade.OBSERVED,
) -> Cited:
    times = {Phase.SUBMIT: "09:58:12", Phase.START: "10:14:31", Phase.END: "12:01:47", Phase.LATER: "12:06:02"}
    host = "login2" if phase in (Phase.SUBMIT, Phase.LATER) else "gpu017"
    taken = f"2026-11-20T{times[phase]}+00:00"
    return Cited(
        digest(probe + phase),
        probe,
        kind,
        phase,
        1 if phase != Phase.SUBMIT else 0,
        status,
        grade,
        source,
        reason,
        taken,
        host,
        excerpt,
    )


SUBMISSION = cited(
    "submission",
    "Submission",
    Phase.SUBMIT,
    {
        "argv": ["--partition=gpu", "--label=paper-fig3", "train.sh", "--epochs", "40"],
        "script_path": "train.sh",
        "script": "#!/bin/bash\n#SBATCH --job-name=train-resnet\n#SBATCH --mem=32G\n#SBATCH --gpus=1\n#SBATCH --time=06:00:00\n"
        'module load cuda/12.4\nsrun apptainer exec --nv images/torch.sif python train.py "$@"\n',
        "directives": {"job-name": "train-resnet", "mem": "32G", "gpus": "1", "time": "06:00:00"},
        "stdin": False,
    },
    source="argv and /proc",
)
CALLED = cited(
    "called",
    "CalledFiles",
    Phase.START,
    {
        "files": [
            {"path": "train.py", "caller": "train.sh", "line": 7, "sha256": CODE, "size": 8123, "state": "ok"},
            {"path": "model.py", "caller": "train.py", "line": 3, "sha256": DATA, "size": 2410, "state": "ok"},
        ],
        "unresolved": ["$STEP.sh"],
    },
    source="read in the job",
)
CALLED_BEFORE = replace(
    CALLED, id=digest("called-submit"), phase=Phase.SUBMIT, attempt=0, host="login2", taken_at="2026-11-20T09:58:12+00:00"
)
GIT = cited(
    "git",
    "GitState",
    Phase.SUBMIT,
    {"commit": "3e1f9c2", "branch": "main", "dirty": True, "modified": ["train.py"], "untracked": []},
    source="git",
)
PACKAGES = cited(
    "packages",
    "Packages",
    Phase.START,
    {
        "python": "3.11.9",
        "prefix": "/opt/conda/envs/torch",
        "packages": {"numpy": "2.1.3", "torch": "2.5.1", "pillow": "11.0.0"},
        "lock": "",
    },
    source="metadata of the job's own interpreter",
)
ACCOUNTING = cited(
    "slurm",
    "JobAccounting",
    Phase.LATER,
    {
        "scheduler": "slurm",
        "version": "25.05.3",
        "partition": "gpu",
        "account": "climate",
        "qos": "",
        "asked_memory": 32 * GIB,
        "used_memory": 4402341478,
        "asked_seconds": 21600,
        "used_seconds": 6436,
        "rungs": {"used_memory": "sacct", "workdir": "scontrol", "state": "sacct"},
        "attempts": [
            {
                "number": 0,
                "state": "NODE_FAIL",
                "exit_code": None,
                "started": "2026-11-20T10:02:00+00:00",
                "ended": "2026-11-20T10:09:40+00:00",
            },
            {
                "number": 1,
                "state": "COMPLETED",
                "exit_code": 0,
                "started": "2026-11-20T10:14:31+00:00",
                "ended": "2026-11-20T12:01:47+00:00",
            },
        ],
        "final": True,
    },
    source="sacct",
)
SIF = cited(
    "sif",
    "SifImage",
    Phase.START,
    {"path": "images/torch.sif", "size": 3891204096, "sha256": IMAGE},
    source="images/torch.sif",
    grade=Grade.VERIFIED,
)
DOCKER = cited(
    "docker",
    "EngineImages",
    Phase.SUBMIT,
    status=Status.FAILED,
    reason="no Docker engine answered on unix:///var/run/docker.sock",
)
MODULES = cited("modules", "Modules", Phase.START, status=Status.ABSENT, reason="LOADEDMODULES is not set in the job")
SECRET = cited(
    "environment", "Environment", Phase.START, status=Status.WITHHELD, reason="WANDB_API_KEY is there; its value is not stored"
)
MANIFEST = cited(
    "data",
    "DataManifest",
    Phase.END,
    {
        "root": "/scratch/lee/fig3",
        "algorithm": "sha256",
        "complete": True,
        "bytes_hashed": 5340012544,
        "directories": 3,
        "files": [
            {"path": "data/train.npz", "role": "input", "how": "declared", "kind": "file", "size": 5200000000, "sha256": DATA},
            {
                "path": "out/model.pt",
                "role": "output",
                "how": "changed",
                "kind": "file",
                "size": 102400000,
                "sha256": digest("model"),
            },
            {
                "path": "out/metrics.json",
                "role": "output",
                "how": "declared",
                "kind": "file",
                "size": 2048,
                "sha256": digest("metrics"),
            },
        ],
    },
    source="hashed in the job",
    grade=Grade.VERIFIED,
)
CAMPAIGN = cited(
    "campaign", "Campaign", Phase.LATER, {"why": ["label", "data"], "array_size": 0, "iterations": 2}, source="the store"
)
REPLAY = cited(
    "replay",
    "ReplayVerdict",
    Phase.LATER,
    {
        "bundle": digest("bundle"),
        "run_id": "5d0c7a91be42f380",
        "sameness": "equivalent",
        "reason": "2 of 2 declared outputs agree; one of them within its tolerance",
        "outputs": [
            {
                "path": "out/metrics.json",
                "sameness": "equivalent",
                "comparator": "json",
                "detail": "largest relative difference 3.1e-07, tolerance 1e-05",
            },
            {"path": "out/classes.txt", "sameness": "identical", "comparator": "bytes", "detail": ""},
        ],
        "steps": [
            {"name": "verify", "state": "done", "detail": "41 files agree with their manifest"},
            {"name": "inputs", "state": "done", "detail": "1 input, 4.84 GiB, agrees"},
            {"name": "environment", "state": "done", "detail": "image by digest"},
            {"name": "run", "state": "done", "detail": "exit 0 after 1 h 49 min"},
            {"name": "compare", "state": "done", "detail": "1 identical, 1 equivalent"},
        ],
        "where": "slurm:daint",
        "same_machine": False,
        "sandbox": "apptainer",
        "environment": "image-by-digest",
        "started_at": "2026-11-21T08:00:00+00:00",
        "ended_at": "2026-11-21T09:51:10+00:00",
        "auditor": "0.1.0",
    },
    source="auditor replay",
    grade=Grade.VERIFIED,
)


def finding(
    tip: int, level: int, check: str, outcome: Outcome, title: str, message: str, *cites: Cited, fix: str = "", settles: str = ""
) -> Finding:
    grade = min((c.grade for c in cites), key=lambda g: g.cap, default=Grade.DECLARED)
    return Finding(
        check, tip, level, title, outcome, grade, message, fix, settles, "arXiv 2606.07491", tuple(c.id for c in cites)
    )


def tip(number: int, slug: str, title: str, low: int, high: int, *findings: Finding, applicable: bool = True) -> TipScore:
    why = (
        "Later readers can only trust what they can run again."
        if number == 7
        else "The paper gives the reason in its section on this tip."
    )
    return TipScore(
        number, slug, title, why, "Start small; measure; then change one thing at a time.", low, high, applicable, findings
    )


P, W, F, U, N = Outcome.PASSED, Outcome.WEAK, Outcome.FAILED, Outcome.UNKNOWN, Outcome.NOT_APPLICABLE

TIPS = (
    tip(
        1,
        "integrate-ai",
        "Treat AI as part of the workflow, not a bolt-on",
        1,
        2,
        finding(
            1,
            1,
            "model-files-named",
            P,
            "The model is an output with a name",
            "out/model.pt is among 2 outputs, by content.",
            MANIFEST,
        ),
        finding(
            1,
            2,
            "model-consumer",
            U,
            "A later step reads the model",
            "No other run of this campaign was seen to read out/model.pt.",
            CAMPAIGN,
            settles="Label the runs that use the model: `auditor sbatch --label=paper-fig3 predict.sh`.",
        ),
    ),
    tip(
        2,
        "data-gravity",
        "Design for data gravity, not just compute locality",
        2,
        2,
        finding(2, 1, "inputs-known", P, "Inputs are known by content", "1 input, 4.84 GiB, hashed at the start.", MANIFEST),
        finding(
            2,
            2,
            "inputs-near",
            P,
            "Inputs lie on a parallel file system",
            "/scratch is lustre; 4.84 GiB were read from it.",
            MANIFEST,
        ),
        finding(
            2,
            3,
            "moved-again",
            W,
            "The same input is not copied twice",
            "data/train.npz was staged by 2 of 3 runs.",
            MANIFEST,
            CAMPAIGN,
            fix="ln -s /scratch/shared/train.npz data/train.npz",
        ),
    ),
    tip(
        3,
        "separate-phases",
        "Separate training, inference, and simulation phases",
        0,
        0,
        finding(
            3,
            1,
            "mixed-phases",
            F,
            "One job, one phase",
            "train.sh trains and predicts in one job: `train.py` in line 7, `predict.py` in line 9.",
            SUBMISSION,
            CALLED,
            fix="train=$(auditor sbatch --parsable train.sh)\nauditor sbatch --dependency=afterok:$train predict.sh",
        ),
    ),
    tip(
        4,
        "heterogeneous-resources",
        "Use heterogeneous resources intentionally",
        1,
        1,
        finding(4, 1, "gpu-asked", P, "GPUs are asked for by name", "1 GPU asked: gpu:a100.", ACCOUNTING),
        finding(
            4,
            2,
            "memory-overasked",
            F,
            "Memory asked fits memory used",
            "32 GiB asked, 4.1 GiB used at the peak (13 %).",
            ACCOUNTING,
            fix="#SBATCH --mem=6G",
        ),
    ),
    tip(
        5,
        "workflow-parallelism",
        "Exploit parallelism at the workflow level, not just the job level",
        0,
        2,
        finding(
            5,
            1,
            "independent-steps",
            U,
            "Independent steps run side by side",
            "Only one run of this workflow is known.",
            CAMPAIGN,
            settles="Submit the other steps through `auditor sbatch` as well.",
        ),
    ),
    tip(
        6,
        "arrays-and-distributed",
        "Use job arrays and distributed training strategically",
        0,
        0,
        finding(
            6, 1, "lookalike-jobs", N, "Look-alike submissions form an array", "No look-alike submission was seen.", CAMPAIGN
        ),
        applicable=False,
    ),
    tip(
        7,
        "containerise",
        "Containerise environments to ensure reproducibility",
        2,
        3,
        finding(7, 1, "image-named", P, "The job names an image", "images/torch.sif, line 7 of train.sh.", SUBMISSION),
        finding(7, 2, "image-ran", P, "That image is what ran", f"sha256:{IMAGE[:12]}… at submission and at start.", SIF),
        finding(
            7,
            3,
            "image-pullable",
            U,
            "Others can get the image by its digest",
            "The registry was not asked: no network on login2.",
            DOCKER,
            settles="Run `auditor report --online JOB` where the registry can be reached.",
        ),
    ),
    tip(
        8,
        "track-experiments",
        "Track experiments as first-class outputs",
        0,
        1,
        finding(
            8,
            1,
            "dirty-tree",
            F,
            "The commit says what ran",
            "Commit 3e1f9c2 with 1 modified file: train.py.",
            GIT,
            CALLED,
            fix="git add -u\ngit commit -m 'Train with cosine schedule'\nauditor sbatch --label=paper-fig3 train.sh --epochs 40",
        ),
        finding(
            8,
            1,
            "seed-fixed",
            U,
            "A seed is set",
            "No seed in environment, arguments or script; train.py may set one.",
            SUBMISSION,
            SECRET,
            settles="Pass it: `train.py --seed 1`, or export PYTHONHASHSEED=0.",
        ),
    ),
    tip(
        9,
        "feedback-loops",
        "Design feedback loops explicitly",
        2,
        2,
        finding(9, 2, "loop-seen", P, "The loop is visible in the data", "2 iterations joined by 3 files.", CAMPAIGN),
    ),
    tip(
        10,
        "throughput",
        "Optimise for throughput, not single-job performance",
        1,
        3,
        finding(10, 1, "queue-time", P, "Waiting is in proportion", "Waited 4 min, ran 1 h 47 min.", ACCOUNTING),
        finding(
            10,
            2,
            "backfill",
            U,
            "The limit lets the scheduler backfill",
            "Time limit 6 h, used 1 h 47 min in one run; one run is no pattern.",
            ACCOUNTING,
            settles="Audit two more runs of this script.",
        ),
    ),
    tip(
        11,
        "small-files",
        "Manage I/O and small files carefully",
        3,
        3,
        finding(11, 1, "files-counted", P, "Files are few and large", "3 files in 3 folders, median 97.7 MiB.", MANIFEST),
    ),
    tip(
        12,
        "workflow-engine",
        "Use a workflow engine to orchestrate AI + HPC pipelines",
        0,
        1,
        finding(
            12,
            1,
            "engine",
            Outcome.ERROR,
            "An engine ran the steps",
            "The check broke: KeyError: 'engine'.",
            MODULES,
            settles="Report this; the evidence is kept.",
        ),
    ),
)

STORY = Story(
    attempts=(
        Span("attempt 0", "NODE_FAIL", "2026-11-20T09:58:12+00:00", "2026-11-20T10:02:00+00:00", "2026-11-20T10:09:40+00:00", 0),
        Span("attempt 1", "COMPLETED", "2026-11-20T10:09:40+00:00", "2026-11-20T10:14:31+00:00", "2026-11-20T12:01:47+00:00", 1),
        Span(
            "step 0: srun apptainer exec --nv images/torch.sif",
            "COMPLETED",
            "",
            "2026-11-20T10:15:02+00:00",
            "2026-11-20T12:01:40+00:00",
            1,
        ),
    ),
    gauges=(
        Gauge("Memory", "byte", 32 * GIB, 4402341478, "sacct"),
        Gauge("Time", "s", 21600, 6436, "sacct"),
        Gauge("Cores", "core", 8, 8, "sacct"),
        Gauge("CPU time", "core-s", 51488, 12033, "sacct"),
        Gauge("GPUs", "gpu", 1, None, "sacct"),
    ),
    drift=(
        Change("called-file", "train.py", f"sha256 {digest('old')}", f"sha256 {CODE}", (CALLED_BEFORE.id, CALLED.id)),
        Change("module", "cuda", "12.4", "12.6", (MODULES.id,)),
    ),
    drift_state="found",
    nodes=(
        Node("sim1", "run", "simulate (4240)"),
        Node("raw", "file", "raw/sim-1.npz"),
        Node("prep", "run", "prepare (4241)"),
        Node("data", "file", "data/train.npz"),
        Node("me", "this-run", "train-resnet (4242)"),
        Node("model", "file", "out/model.pt"),
        Node("metrics", "file", "out/metrics.json"),
        Node("predict", "run", "predict (4251)"),
        Node("next", "file", "params-2.json"),
        Node("sim2", "run", "simulate (4252)"),
    ),
    edges=(
        Edge("sim1", "raw"),
        Edge("raw", "prep"),
        Edge("prep", "data"),
        Edge("data", "me"),
        Edge("me", "model"),
        Edge("me", "metrics"),
        Edge("model", "predict"),
        Edge("predict", "next"),
        Edge("next", "sim2"),
    ),
)

RUN = RunCard(
    id="5d0c7a91be42f380",
    name="train-resnet",
    job_id="4242",
    cluster="alps",
    scheduler="slurm",
    user="lee",
    state="COMPLETED",
    command="sbatch --partition=gpu --label=paper-fig3 train.sh --epochs 40",
    workdir="/scratch/lee/fig3",
    submitted_at="2026-11-20T09:58:12+00:00",
    started_at="2026-11-20T10:14:31+00:00",
    ended_at="2026-11-20T12:01:47+00:00",
    attempts=2,
    label="paper-fig3",
)

RUNGS = (
    Rung("captured", True, "Submission, start, end and accounting are all here.", (SUBMISSION.id, ACCOUNTING.id)),
    Rung(
        "pinned",
        False,
        "The code is not: train.py differs from commit 3e1f9c2. Image and data are known by digest.",
        (GIT.id, SIF.id, MANIFEST.id),
    ),
    Rung("rebuildable", True, "The image was found again by its digest when the bundle was replayed.", (REPLAY.id,)),
    Rung("repeatable", False, "It ran once here."),
    Rung("replayed-elsewhere", True, "Replayed on slurm:daint: equivalent within tolerance.", (REPLAY.id,)),
)

EVIDENCE = (
    SUBMISSION,
    CALLED_BEFORE,
    GIT,
    DOCKER,
    CALLED,
    PACKAGES,
    SIF,
    MODULES,
    SECRET,
    MANIFEST,
    ACCOUNTING,
    CAMPAIGN,
    REPLAY,
)


AROUND = Surroundings(
    again="confirmed",
    images=(
        ImageSeen(
            "images/torch.sif",
            "apptainer",
            "start",
            "line 7",
            (f"file sha256:{IMAGE}", f"partition sha256:{DATA}", f"definition sha256:{CODE}"),
            "linux/amd64",
            "the same: the image file's digest is the same",
            "there, byte same: the manifest's digest is the same",
            (SIF.id,),
        ),
    ),
    ways=(
        Way(
            "image-by-digest",
            "confirmed",
            f"images/torch.sif = sha256:{IMAGE[:12]}; the registry has it",
            "apptainer pull x",
            (SIF.id,),
        ),
        Way("module-names", "partial", "1 module by name: cuda/12.4", "module load cuda/12.4", (MODULES.id,)),
    ),
    leaks=(
        Leak("writable", "images/torch.sif: the image's own files can change (--writable)", True, (SUBMISSION.id,)),
        Leak("gpu", "images/torch.sif: --nv", False, (SUBMISSION.id,)),
    ),
    counts=(Count("pypi", 212), Count("deb", 926)),
    software=(Software("blas", "openblas", "0.3.27", f"sha256:{CODE}"),),
)


def good() -> Scorecard:
    """A training job with something of everything: drift, two attempts, unknowns, a replay."""
    return Scorecard(
        RUN, 36.4, 54.5, 71.4, True, "", RUNGS, TIPS, STORY, EVIDENCE, f"1-{digest('rules')}", "0.1.0", surroundings=AROUND
    )


def bare() -> Scorecard:
    """An adopted job of which almost nothing is known."""
    run = RunCard("00ff00ff00ff00ff", "", "77", "", "slurm", "", "", "", "", "", "", "", 0)
    rungs = tuple(replace(rung, reached=False, reason="Nothing was captured.", cites=()) for rung in RUNGS)
    tips = tuple(replace(t, low=0, high=0, applicable=False, findings=()) for t in TIPS)
    return Scorecard(run, None, None, None, True, "", rungs, tips, Story(), (), f"1-{digest('rules')}", "0.1.0")


def broken() -> Scorecard:
    """A run whose bundle does not agree with its own checksums."""
    return replace(good(), verifiable=False, integrity="data/evidence/4.json does not match its checksum.")


EVIL = "<script>alert(1)</script>\x1b[31mred\x1b]0;title\x07 \u202egnp.exe\u202c &amp; \"quoted\" 'single' | `tick` *star* [link](http://x.test) \udcff \u200b"


def nasty() -> Scorecard:
    """Hostile names, unknown numbers, sixty nodes with a cycle, hundreds of attempts, huge texts."""
    card = good()
    nodes = (Node("me", "this-run", EVIL), *(Node(f"f{i}", "file", f"{EVIL}-{i}") for i in range(59)))
    edges = (
        *(Edge(f"f{i}", "me") for i in range(30)),
        *(Edge("me", f"f{i}") for i in range(30, 59)),
        Edge("f40", "f3"),
        Edge("gone", "me"),
    )
    story = Story(
        attempts=tuple(
            Span(f"{EVIL} {i}", "TIMEOUT" if i % 2 else EVIL, "not a time", f"2026-11-20T10:{i % 60:02d}:00+00:00", "", i)
            for i in range(90)
        ),
        gauges=(
            Gauge(EVIL, "byte", None, None, EVIL),
            Gauge("Memory", "byte", 1024, 2048, EVIL),
            Gauge("GPUs", "gpu", 0, None, ""),
            Gauge("Zero", "s", 0, 0, ""),
        ),
        drift=tuple(Change(EVIL, f"{EVIL}{i}", "x" * 5000, EVIL, (digest("gone"),)) for i in range(300)),
        drift_state="found",
        nodes=nodes,
        edges=edges,
    )
    deep: Any = EVIL
    for _ in range(40):
        deep = {EVIL: deep}
    heavy = {
        EVIL: EVIL * 2000,
        "deep": deep,
        "rows": [{f"c{c}": EVIL for c in range(30)} for _ in range(90)],
        "list": [EVIL] * 500,
        "n": 1,
    }
    strange = replace(ACCOUNTING, reason=EVIL, source=EVIL, host=EVIL, probe=EVIL, kind=EVIL)
    more = tuple(replace(strange, id=digest(f"e{i}"), excerpt=heavy if i < 12 else {"n": i}) for i in range(700))
    tips = tuple(
        replace(
            t,
            title=EVIL,
            why=EVIL,
            advice=EVIL * 50,
            findings=tuple(replace(f, title=EVIL, message=EVIL * 20, fix=f"{EVIL}\n" * 20, settles=EVIL) for f in t.findings),
        )
        for t in card.tips
    )
    run = replace(
        card.run,
        name=EVIL,
        command=f"{EVIL}\nsecond line",
        workdir=EVIL,
        user=EVIL,
        state=EVIL,
        label=EVIL,
        submitted_at=EVIL,
        cluster=EVIL,
    )
    return replace(
        card,
        run=run,
        story=story,
        evidence=(*card.evidence, *more),
        tips=tips,
        rungs=tuple(replace(r, reason=EVIL, name=EVIL) for r in card.rungs),
        surroundings=Surroundings(
            again=EVIL,
            images=tuple(
                ImageSeen(f"{EVIL}{n}", EVIL, EVIL, EVIL * 20, (EVIL,) * 5, EVIL, EVIL, EVIL, (EVIL,)) for n in range(40)
            ),
            ways=(Way(EVIL, EVIL, EVIL * 50, EVIL, (EVIL,)),),
            leaks=tuple(Leak(EVIL, EVIL, bool(n % 2), (EVIL,)) for n in range(40)),
            counts=(Count(EVIL, 10**12),),
            software=tuple(Software(EVIL, EVIL, EVIL, EVIL) for _ in range(40)),
        ),
    )


def everyone() -> dict[str, Scorecard]:
    return {"good": good(), "bare": bare(), "broken": broken(), "nasty": nasty()}
