"""What a declared pattern means to one task of an array, and which files are therefore a sibling's."""

from __future__ import annotations

import pytest

from probes.manifest.patterns import of_others, of_task


@pytest.mark.parametrize(
    ("pattern", "job_id", "means"),
    [
        ("out/slice_%a.csv", "123_4", "out/slice_4.csv"),
        ("out/slice_%a.csv", "123", "out/slice_*.csv"),
        ("log_%A_%a.txt", "L0a1b2c3d_7", "log_L0a1b2c3d_7.txt"),
        ("log_%j.txt", "123", "log_123.txt"),
        ("model_$SLURM_ARRAY_TASK_ID/*.json", "123_4", "model_4/*.json"),
        ("${SLURM_ARRAY_JOB_ID}_${SLURM_ARRAY_TASK_ID}.txt", "123_4", "123_4.txt"),
        ("$SLURM_ARRAY_TASK_IDS.txt", "123_4", "$SLURM_ARRAY_TASK_IDS.txt"),
        ("100%%.txt", "123_4", "100%.txt"),
        ("plain/*.csv", "123_4", "plain/*.csv"),
    ],
)
def test_a_pattern_is_read_as_slurm_reads_file_names(pattern: str, job_id: str, means: str) -> None:
    assert of_task(pattern, job_id) == means


@pytest.mark.parametrize(
    ("path", "a_siblings"),
    [
        ("/w/out/slice_3.csv", True),
        ("/w/out/slice_4.csv", False),
        ("/w/out/other.csv", False),
        ("/w/tasks/3/x", True),
        ("/w/model_3/a.json", True),
        ("/w/model_4/a.json", False),
        ("/w/tasks/4/x", False),
    ],
)
def test_what_fits_another_task_is_not_this_one_s(path: str, a_siblings: bool) -> None:
    assert of_others(path, "/w", ("out/slice_%a.csv", "tasks/%a", "model_$SLURM_ARRAY_TASK_ID/*.json"), "123_4") is a_siblings
