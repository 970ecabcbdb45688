"""Does a piece of work prepare, simulate, train, infer or analyse? An explicit classifier: words in names, commands, calls; each answer has its sign.

The words are tried on parts of a name (`01_trainModel.py` -> 01, train, model, py), so `constrained` says nothing. A system of the
family `simulation` simulates; its preparing subcommands do not. Where nothing matches, nothing is said.
"""

from __future__ import annotations

import ast
import re

from probes.script import pycode
from probes.script.systems import of_command

PHASES = ("prepare", "simulate", "train", "infer", "analyse")
"""In the order of work."""

_WORDS = {
    "train": "train training trainer trains fit fitting finetune finetuning pretrain pretraining retrain learn learner",
    "infer": "infer inference predict prediction predictions predictor evaluate evaluation eval score scoring serve",
    "simulate": "simulate simulation simulations simulator sim md mdrun dynamics montecarlo mcmc",
    "prepare": "prepare preparation preprocess preprocessing prep download fetch tokenize convert stage clean ingest featurize augment",
    "analyse": "analyse analyze analysis postprocess postprocessing plot plots plotting visualise visualize aggregate aggregation summarise"
    " summarize summary collate",
}
WORDS = {word: phase for phase, words in _WORDS.items() for word in words.split()}
CALLS = {
    "fit": "train", "partial_fit": "train", "fit_generator": "train", "backward": "train", "train_on_batch": "train",
    "predict": "infer", "predict_proba": "infer", "predict_on_batch": "infer", "inference_mode": "infer", "no_grad": "infer",
    "train_test_split": "prepare", "fit_transform": "prepare",
}  # fmt: skip
_PREPARING = frozenset("grompp pdb2gmx solvate genion editconf make_ndx trjconv blockMesh snappyHexMesh".split())
_PART = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")


def of_name(name: str) -> str:
    """The phase that a file's, function's or subcommand's name speaks of; empty when none."""
    parts = (part.lower() for part in _PART.findall(name.rsplit("/", 1)[-1]))
    return next((WORDS[part] for part in parts if part in WORDS), "")


def every_of_name(name: str) -> frozenset[str]:
    """All the phases that a name speaks of: `train_and_predict` of two."""
    parts = (part.lower() for part in _PART.findall(name.rsplit("/", 1)[-1]))
    return frozenset(WORDS[part] for part in parts if part in WORDS)


def of_words(name: str, arguments: tuple[str, ...], file: str) -> tuple[str, str]:
    """(phase, sign) of a command: its program, the script it runs, a mode among its first arguments."""
    system = of_command(name, arguments)
    if system is not None and system.family == "simulation":
        preparing = next((w for w in (name, *arguments[:1]) if w in _PREPARING), "")
        return ("prepare", f"{name} {preparing}".strip()) if preparing else ("simulate", " ".join((name, *arguments[:1])))
    if system is not None and system.family == "download":
        return "prepare", name
    if phase := of_name(file or name):
        return phase, file or name
    modes = [
        w for w in arguments[:3] if re.fullmatch(r"(--?(mode|phase|stage|task)=)?[a-z_-]{2,20}", w) and not w.startswith("-m")
    ]
    return next(((p, f"{file or name} {w}") for w in modes if (p := of_name(w.partition("=")[2] or w))), ("", ""))


def of_python(parsed: ast.Module) -> tuple[tuple[str, str, int], ...]:
    """(phase, sign, line) of calls in a Python file whose method or function name decides; `model.train()` only sets a mode and is left out."""
    found = []
    known = pycode.aliases(parsed)
    for node in ast.walk(parsed):
        if isinstance(node, ast.Call):
            name = pycode.full_name(node.func, known)
            last = node.func.attr if isinstance(node.func, ast.Attribute) else name
            phase = CALLS.get(last) or (of_name(last) if isinstance(node.func, ast.Name) else "")
            phase = "" if phase == "analyse" else phase  # everybody plots
            if name.endswith(("simulation.step", "integrator.step")):
                phase = "simulate"
            if phase:
                found.append((phase, f"{name or last}()", node.lineno))
    return tuple(sorted(found, key=lambda f: f[2]))


def loops_of_python(parsed: ast.Module) -> tuple[int, ...]:
    """Lines of loops whose body both simulates and trains or infers."""
    lines = []
    for node in ast.walk(parsed):
        if isinstance(node, (ast.For, ast.While)):
            phases = {phase for phase, _, _ in of_python(ast.Module(node.body, []))}
            if "simulate" in phases and phases & {"train", "infer"}:
                lines.append(node.lineno)
    return tuple(sorted(lines))
