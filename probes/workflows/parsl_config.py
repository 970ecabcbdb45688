"""What was Parsl configured to do? The `Config(...)` that its log prints, read as text: executors, providers, blocks, retries. Nothing is evaluated."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from probes.records.lines import one_line
from probes.workflows import Asked

MAX_TEXT = 1 << 20
_DEEPEST = 40
_TOKEN = re.compile(
    r"""\s*(?: (?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*") | (?P<call>[A-Za-z_][\w.]*)\( | (?P<key>[A-Za-z_]\w*)= | (?P<open>[\[({])
    | (?P<close>[\])}]) | (?P<comma>,) | (?P<odd><[^>]{0,500}>) | (?P<plain>[^\s,()\[\]{}=<'"]+) | (?P<rest>.) )""",
    re.VERBOSE | re.DOTALL,
)


@dataclass
class Node:
    """`Name(key=value, ...)` or a list (no name): named values and unnamed ones, each a text or a Node."""

    name: str = ""
    named: dict[str, Node | str] = field(default_factory=dict)
    listed: list[Node | str] = field(default_factory=list)

    def text(self, *keys: str) -> str:
        """The first of these that is a plain text, without its quotes; empty for none and for None."""
        for key in keys:
            value = self.named.get(key, "")
            if isinstance(value, str) and value not in {"", "None"}:
                return value
        return ""

    def node(self, key: str) -> Node:
        value = self.named.get(key)
        return value if isinstance(value, Node) else Node()


@dataclass(frozen=True)
class Executor:
    """kind: `HighThroughputExecutor`; provider: `SlurmProvider`, empty for threads; workers: places to work at most, None where nodes decide."""

    label: str
    kind: str
    provider: str = ""
    workers: int | None = None
    blocks: int | None = None
    nodes_per_block: int | None = None
    launcher: str = ""
    worker_init: str = ""
    launch_command: str = ""
    asked: Asked = field(default_factory=Asked)

    @property
    def scheduler(self) -> str:
        """Whose job numbers its blocks have: `slurm`; empty where they are process ids or nothing."""
        return (
            self.provider.removesuffix("Provider").lower() if self.provider not in {"", "LocalProvider", "AdHocProvider"} else ""
        )


@dataclass(frozen=True)
class Configured:
    """retries: how often a failed task is tried again; checkpoint: when results are saved, where the text says it."""

    executors: tuple[Executor, ...] = ()
    retries: int = 0
    checkpoint: str = ""
    monitored: bool = False


def parse(text: str) -> Configured:
    """Of the text from `Config(` on; what follows its end is left alone. What cannot be read is left out."""
    root = tree(text)
    listed = root.node("executors").listed
    executors = tuple(_executor(e) for e in listed if isinstance(e, Node) and e.name)
    return Configured(
        executors,
        _whole(root.text("retries")) or 0,
        one_line(root.text("checkpoint_mode") or root.node("memoizer").text("checkpoint_mode"), 40),
        bool(root.node("monitoring").name),
    )


def tree(text: str) -> Node:
    """The first value of the text, which is to be a call."""
    tokens = _TOKEN.finditer(text[:MAX_TEXT])
    for token in tokens:
        if token["call"]:
            node = Node(token["call"])
            _fill(node, tokens, 0)
            return node
    return Node()


def _fill(node: Node, tokens: Iterator[re.Match[str]], depth: int) -> None:
    key = ""
    for token in tokens:
        kind = token.lastgroup or ""
        if kind == "close":
            return
        if kind == "comma":
            key = ""
        elif kind == "key":
            key = token["key"]
        elif kind in {"call", "open"}:
            inner = Node(token["call"] or "")
            if depth < _DEEPEST:
                _fill(inner, tokens, depth + 1)
            _put(node, key, inner)
        elif kind in {"text", "plain", "odd"}:
            _put(node, key, _unquoted(token[kind]))


def _put(node: Node, key: str, value: Node | str) -> None:
    if key:
        node.named.setdefault(key, value)
    else:
        node.listed.append(value)


def _unquoted(text: str) -> str:
    if text[0] not in "'\"":
        return text
    return re.sub(r"\\(.)", lambda m: {"n": "\n", "t": "\t"}.get(m[1], m[1]), text[1:-1])


def _executor(node: Node) -> Executor:
    provider = node.node("provider")
    blocks, nodes = _whole(provider.text("max_blocks")), _whole(provider.text("nodes_per_block"))
    each = _whole(node.text("max_workers_per_node", "max_workers"))
    threads = _whole(node.text("max_threads"))
    here = each * (blocks or 1) * (nodes or 1) if each is not None and provider.name else threads
    return Executor(
        one_line(node.text("label") or node.name),
        one_line(node.name),
        one_line(provider.name),
        here,
        blocks,
        nodes,
        one_line(provider.node("launcher").name),
        provider.text("worker_init")[:10_000],
        node.text("launch_cmd")[:4000],
        _asked(node, provider),
    )


def _asked(node: Node, provider: Node) -> Asked:
    """For one worker, which runs one task: its share of cores and memory, and an accelerator where each has one of its own."""
    gigabytes = _number(node.text("mem_per_worker"))
    accelerators = node.named.get("available_accelerators", "")
    listed = accelerators.listed if isinstance(accelerators, Node) else []
    has = bool(listed) or (_whole(accelerators) or 0) > 0 if isinstance(accelerators, str) else bool(listed)
    return Asked(
        cpus=_number(node.text("cores_per_worker")),
        gpus=1.0 if has else None,
        memory=int(gigabytes * (1 << 30)) if gigabytes is not None else None,
        partition=one_line(provider.text("partition", "queue")),
    )


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and 0 <= value < 1e15 else None


def _whole(text: Node | str) -> int | None:
    value = _number(text) if isinstance(text, str) else None
    return int(value) if value is not None and value == int(value) else None


def by_label(configured: Configured) -> Mapping[str, Executor]:
    return {e.label: e for e in configured.executors}
