"""Is the act of submitting told as it was typed?"""

from __future__ import annotations

import hashlib

import pytest

from auditor.capture import observe
from auditor.model import Absent, Job, Phase
from auditor.redact import Redactor
from probes.submission import MAX_TEXT, PROBE, Directive, Submission, given_by, parse
from tests.fakes import recorded

SCRIPT = "#!/bin/bash -l\n#SBATCH --mem=1G\n#AUDITOR input=a.csv label=night\npython x.py\n"
JOB = Job(
    "slurm",
    "1",
    submission="ab",
    workdir="/w",
    script=SCRIPT,
    script_path="/w/job.sh",
    argv=("-n", "4", "job.sh", "a b"),
    hook="installed",
)


def test_script_options_arguments_and_our_lines_are_told() -> None:
    assert parse(JOB, "/") == Submission(
        argv=("-n", "4", "job.sh", "a b"),
        given_by="file",
        cwd="/w",
        script_path="/w/job.sh",
        script_text=SCRIPT,
        script_sha256=hashlib.sha256(SCRIPT.encode()).hexdigest(),
        script_size=len(SCRIPT),
        interpreter="/bin/bash -l",
        directives=(Directive("--mem", "1G", 2), Directive("-n", "4", 0)),
        arguments=("a b",),
        hook="installed",
        declared_inputs=("a.csv",),
        declared_outputs=(),
        label="night",
        scheduler="slurm",
    )


@pytest.mark.parametrize(
    ("job", "expected"),
    [
        (JOB, "file"),
        (Job("slurm", "1", submission="ab", script="x", argv=("--wrap", "hostname")), "wrap"),
        (Job("slurm", "1", submission="ab", script="x", argv=("--wrap=hostname",)), "wrap"),
        (Job("slurm", "1", submission="ab", script="x", argv=("-n", "2")), "stdin"),
        (Job("slurm", "1", script="x"), "unknown"),
        (Job("local", "L1", script="echo", argv=("echo",)), "command"),
        (Job("local", "L1", script="echo", argv=("a.sh",), script_path="/w/a.sh"), "file"),
    ],
)
def test_how_the_script_was_given(job: Job, expected: str) -> None:
    assert given_by(job) == expected


def test_a_long_script_is_cut_and_its_hash_is_of_the_whole() -> None:
    script = "#" * (MAX_TEXT + 1)
    seen = parse(Job("slurm", "1", script=script), "/")
    assert (len(seen.script_text), seen.script_size, seen.script_sha256) == (
        MAX_TEXT,
        MAX_TEXT + 1,
        hashlib.sha256(script.encode()).hexdigest(),
    )


def test_bytes_that_are_not_text_keep_their_hash() -> None:
    script = b"#!/bin/sh\n\xff\n"
    assert (
        parse(Job("slurm", "1", script=script.decode("utf-8", "surrogateescape")), "/").script_sha256
        == hashlib.sha256(script).hexdigest()
    )


def test_a_secret_in_the_script_is_withheld_before_it_is_stored() -> None:
    job = Job(
        "slurm", "1", script="export API_KEY=abcdef123456\n", argv=("--wrap", "curl -H 'Authorization: Bearer abcdefghijklmnop'")
    )
    assert "abcdef" not in str(observe(PROBE, recorded(), job, Phase.SUBMIT, Redactor()).data)


def test_a_job_that_nobody_saw_submitted_is_absent() -> None:
    assert PROBE.collect(recorded(), Job("slurm", "1")) == Absent("neither a script nor a command line is known")
