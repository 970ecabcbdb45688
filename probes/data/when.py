"""When did this attempt run, as exactly as anybody knows? File times are compared with it."""

from __future__ import annotations

from datetime import datetime

from auditor.model import Job
from auditor.world import World

BEGAN = "AUDITOR_STARTED_NS"
"""The variable in which our executor tells when it started the command, in ns: a second is long between two short runs."""
SECOND_NS = 1_000_000_000
# a last flush may follow the end that accounting notes, in whole seconds
SLACK_NS = 2 * SECOND_NS
# file servers' clocks are not quite ours
SKEW_NS = 100_000_000


def start(world: World, job: Job) -> int:
    """As exactly as it is known, in ns."""
    return _told(world) if exact(world, job) else ns(job.started_at)


def began(world: World, job: Job) -> int:
    """The first moment at which a file may have been written by this attempt; never before the second that the job names."""
    return max(ns(job.started_at), start(world, job) - SKEW_NS)


def exact(world: World, job: Job) -> bool:
    """Is the start known better than to the second?"""
    return 0 < _told(world) < ns(job.started_at) + 2 * SECOND_NS


def over(job: Job) -> int:
    """The last moment at which a file may have been written by this attempt, in ns."""
    return ns(job.ended_at) + SLACK_NS


def ns(time: str) -> int:
    return int(datetime.fromisoformat(time).timestamp()) * SECOND_NS


def _told(world: World) -> int:
    told = world.env.get(BEGAN, "")
    return int(told) if told.isdecimal() else 0
