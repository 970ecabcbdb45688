"""What became of each Dask task, by the moves that the scheduler made with it? Moves: distributed.scheduler, `SchedulerState.transitions`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from auditor.redact import Redactor
from probes.records.lines import one_line
from probes.records.times import epoch
from probes.workflows import Asked, Attempt, Construct, Event, Metric, Place, State, Task, Used

MAX_TASKS = 200_000
MAX_EVENTS = 2000
_REDACTOR = Redactor()
Span = tuple[str, float, float]


@dataclass
class _Try:
    worker: str
    assigned: float
    line: str
    spans: tuple[Span, ...] = ()
    ended: float = 0.0
    state: State = State.RUNNING
    reason: str = ""


@dataclass
class _Story:
    """Of one key."""

    name: str
    line: str
    needs: tuple[str, ...] = ()
    resources: Mapping[str, float] = field(default_factory=dict)
    tries: list[_Try] = field(default_factory=list)


@dataclass
class History:
    """What has been heard so far; `place` is the file that tells it."""

    path: str
    stories: dict[str, _Story] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    retries: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    """By action (compute, transfer, disk-read, disk-write, deserialize)."""
    nbytes: int = 0
    left_out: int = 0

    def task(
        self, key: str, line: str, name: str = "", needs: Iterable[str] = (), resources: Mapping[str, float] | None = None
    ) -> _Story | None:
        """The story of a key, begun where it is new; None for one too many."""
        story = self.stories.get(key)
        if story is None:
            if len(self.stories) >= MAX_TASKS:
                self.left_out += 1
                return None
            story = self.stories[key] = _Story(_safe(name or prefix(key), 200), line)
        if needs:
            story.needs = tuple(needs)
        if resources:
            story.resources = dict(resources)
        return story

    def moved(
        self,
        key: str,
        move: tuple[str, str],
        when: float,
        line: str,
        stimulus: str = "",
        worker: str = "",
        spans: tuple[Span, ...] = (),
        error: str = "",
        nbytes: int = 0,
    ) -> None:
        story = self.task(key, line)
        if story is None:
            return
        start, finish = move
        if finish == "processing":
            if story.tries and story.tries[-1].state is State.SUCCEEDED:
                self.happened("rescheduled", f"{key} was done again: its result was lost", when, key, line)
            story.tries.append(_Try(worker, when, line))
        elif start == "processing" and story.tries:
            self._left(key, story.tries[-1], finish, when, line, stimulus, worker, error)
            story.tries[-1].spans = spans
            self.nbytes += max(0, nbytes)
            for action, begin, end in spans:
                self.seconds[action] = self.seconds.get(action, 0.0) + max(0.0, end - begin)
        elif finish == "erred" and story.tries and story.tries[-1].state is State.KILLED:
            story.tries[-1].state, story.tries[-1].reason = State.FAILED, _safe(error) or story.tries[-1].reason

    def _left(self, key: str, last: _Try, finish: str, when: float, line: str, stimulus: str, worker: str, error: str) -> None:
        last.ended, last.worker = when, worker or last.worker
        last.state, last.reason = _outcome(finish, stimulus)
        if error:
            last.reason = _safe(error)
        if last.state is State.FAILED and finish != "erred":
            self.happened("retry", f"{key} failed and was tried again", when, key, line)
        elif last.state is State.KILLED or "worker was lost" in last.reason:
            what = "worker-lost" if "lost" in last.reason else "rescheduled"
            self.happened(what, f"{key}: {last.reason}", when, key, line)

    def happened(self, what: str, text: str, when: float = 0.0, task: str = "", line: str = "") -> None:
        if len(self.events) < MAX_EVENTS:
            self.events.append(Event(what, _safe(text), epoch(when), task, Place(self.path, line)))

    def tasks(self) -> Iterator[Task]:
        for key, story in self.stories.items():
            tries = tuple(self._attempt(n, one) for n, one in enumerate(story.tries, 1))
            yield Task(
                id=key,
                name=story.name,
                state=_state(story),
                attempts=tries,
                needs=tuple(n for n in story.needs if n in self.stories),
                asked=_asked(story.resources),
                used=self._used(story),
                place=Place(self.path, story.line),
            )

    def constructs(self) -> tuple[Construct, ...]:
        return tuple(
            Construct("retries", f"{name}: up to {most} retries", Place(self.path)) for name, most in self.retries.items()
        )

    def metrics(self, slots: float) -> tuple[Metric, ...]:
        """slots: seconds that threads of workers were there."""
        place = Place(self.path)
        found = [Metric(f"{action}-seconds", round(s, 6), place=place) for action, s in sorted(self.seconds.items())]
        if self.nbytes:
            found.append(Metric("result-bytes", float(self.nbytes), place=place))
        if slots > 0:
            busy = sum(self.seconds.values())
            found.append(Metric("thread-seconds", round(slots, 3), place=place))
            found.append(Metric("idle-seconds", round(max(0.0, slots - busy), 3), place=place))
        return tuple(found)

    def _attempt(self, number: int, one: _Try) -> Attempt:
        begun = min((s for _, s, _ in one.spans), default=0.0)
        ended = max((e for _, _, e in one.spans), default=one.ended)
        return Attempt(
            number=number,
            state=one.state,
            host=host(one.worker),
            submitted=epoch(one.assigned),
            started=epoch(begun) if one.spans else "",
            ended=epoch(ended) if one.state is not State.RUNNING else "",
            reason=one.reason,
            place=Place(self.path, one.line),
        )

    def _used(self, story: _Story) -> Used:
        spans = [s for t in story.tries for s in t.spans if s[0] == "compute"]
        return Used(seconds=round(sum(e - b for _, b, e in spans), 6), place=Place(self.path, story.line)) if spans else Used()


def called(key: object) -> str:
    """A key as it is told."""
    return _clean(str(key))


@lru_cache(1 << 14)
def _clean(key: str) -> str:
    return one_line(key, 600)


def close(history: History, alive: bool) -> None:
    """The scheduler is gone, or not: what was given to a worker and never came back was killed with it."""
    for story in history.stories.values():
        if story.tries and story.tries[-1].state is State.RUNNING and not alive:
            story.tries[-1].state, story.tries[-1].reason = State.KILLED, "the scheduler ended before it"


def _outcome(finish: str, stimulus: str) -> tuple[State, str]:
    lost = any(word in stimulus for word in ("worker-cleanup", "worker-close", "remove-worker", "comm-fail", "retire"))
    if finish == "memory":
        return State.SUCCEEDED, ""
    if finish == "erred":
        return State.FAILED, "its worker was lost once too often" if lost else ""
    if stimulus.startswith("task-erred"):
        return State.FAILED, "it failed; the scheduler keeps no reason of an attempt that it repeats"
    if lost:
        return State.KILLED, "its worker was lost"
    return State.KILLED, f"taken back by the {'client' if 'client' in stimulus or 'cancel' in stimulus else 'scheduler'}"


def _state(story: _Story) -> State:
    """Of one that was never given to a worker: what it needs failed, or it was taken back."""
    return story.tries[-1].state if story.tries else State.NOT_RUN


def _asked(resources: Mapping[str, float]) -> Asked:
    """Dask's abstract resources: only the name says what they are."""
    gpus = [n for name, n in resources.items() if "gpu" in name.lower()]
    return Asked(gpus=gpus[0] if gpus else None, other={_safe(k, 100): f"{v:g}" for k, v in list(resources.items())[:20]})


def prefix(key: str) -> str:
    """What its like are called: words at the beginning, without numbers and hashes; as `dask.utils.key_split` sees it."""
    text = re.sub(r"^\(*['\"]?", "", key).split("'")[0].split('"')[0].split(",")[0]
    words = text.split("-")
    kept = words[:1]
    for word in words[1:]:
        if not word.isalpha() or (len(word) == 8 and re.fullmatch(r"[a-f]{8}", word)):
            break
        kept.append(word)
    if len(text) == 32 and re.fullmatch(r"[a-f0-9]{32}", text):
        return "data"
    return "-".join(kept)[:200] or "other"


def host(address: str) -> str:
    """`tcp://10.0.0.7:34567` → `10.0.0.7`."""
    return one_line(re.sub(r"^[a-z+]+://", "", address).rsplit(":", 1)[0], 200)


def _safe(text: str, limit: int = 300) -> str:
    return one_line(_REDACTOR.text(text[:20_000]), limit)
