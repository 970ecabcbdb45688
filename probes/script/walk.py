"""Which simple commands does a shell script hold, with which words, in which folder, inside which loops? Read, never run.

Every branch is followed once and in order; a variable set inside a branch or loop keeps its earlier values as well.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, field, replace

from probes.script.command import Command, Function, Loop, Scope
from probes.script.effects import ASSIGN, MAX_WAYS, assign, effect, substitutions, undecided, ways
from probes.script.expand import one, words
from probes.script.functions import MAX_DEPTH, Body, defined, opened
from probes.script.lexer import MAX_TEXT, Token, tokens

MAX_COMMANDS = 5000
WALK_COST = 100  # characters of the budget; ten thousand empty `$()` are dear too
_OPENING = frozenset("if then elif else while until do ! time coproc".split())
_ENDS = frozenset("; & && || | |& ;; ;& ;;&".split())
_FILES = frozenset("< > >> >| <> <& >& &> &>> <<<".split())


def walk(text: str, state: Scope, offset: int = 0) -> list[Command]:
    """The commands of `text` in order, appended to `state.found` (all of it is returned). offset: lines before the text."""
    state.depth += 1
    state.left -= min(len(text), MAX_TEXT) + WALK_COST
    if state.depth <= MAX_DEPTH and state.left > 0:
        _Walk(tokens(text[:MAX_TEXT]), state, offset).run()
    state.depth -= 1
    return state.found


def replay(function: Function, state: Scope) -> None:
    """The commands of a function's body at a call."""
    state.depth += 1
    _Walk(list(function.tokens), state, function.offset).run()
    state.depth -= 1


@dataclass
class _Walk:
    tokens: list[Token]
    state: Scope
    offset: int
    raw: list[Token] = field(default_factory=list)
    reads: list[str] = field(default_factory=list)
    stdin: str = ""
    stdin_line: int = 0
    saved: list[tuple[str, int]] = field(default_factory=list)
    cases: list[bool] = field(default_factory=list)
    """For each open `case`: do patterns come next?"""
    defining: str = ""
    """The function whose body comes next."""
    bodies: list[Body] = field(default_factory=list)
    at: int = 0

    def run(self) -> None:
        while self.at < len(self.tokens) and len(self.state.found) < MAX_COMMANDS and self.state.left > 0:
            token = self.tokens[self.at]
            self.at += 1
            if self.cases and self.cases[-1] and token.kind != "newline":
                self._pattern(token)
            elif token.kind == "heredoc":
                self.stdin, self.stdin_line = token.text, token.line + self.offset
            elif token.kind == "newline" or (token.text in _ENDS and token.kind == "op"):
                self._end(token.text.strip())
                if token.text.startswith(";;") or token.text == ";&":
                    self.cases[-1:] = [True] if self.cases else []
            elif token.kind == "op":
                self._operator(token)
            elif not self.raw and (self._brace(token) or self._keyword(token)):
                pass
            else:
                self.raw.append(token)
        self._end("")

    def _pattern(self, token: Token) -> None:
        if token.text == "esac":
            self.cases.pop()
            self._close()
        elif token.text == ")":
            self.cases[-1] = False

    def _operator(self, token: Token) -> None:
        if token.text in _FILES:
            target = self.tokens[self.at] if self.at < len(self.tokens) else token
            if target.kind == "word":
                self.at += 1
                if token.text == "<":
                    self.reads.append(target.text)
                elif token.text == "<<<":
                    self.stdin = target.text
        elif token.text == "(":
            empty = self.at < len(self.tokens) and self.tokens[self.at].text == ")"
            if empty and (len(self.raw) == 1 or self.defining):
                self.at += 1  # name() {
                self.defining = self.raw[0].text if self.raw else self.defining
                self.raw.clear()
            else:
                self.defining = ""
                self._end("")
                self.saved.append((self.state.cwd, self.state.nested))
        elif token.text == ")":
            self._end("")
            if self.saved:
                self.state.cwd, self.state.nested = self.saved.pop()

    def _keyword(self, token: Token) -> bool:
        word = token.text
        if word in ("for", "select"):
            self._for(token)
        elif word in ("while", "until"):
            self.state.loops.append(Loop(word, token.line + self.offset))
            self.state.nested += 1
        elif word == "if":
            self.state.nested += 1
        elif word in ("fi", "done", "esac"):
            if word == "done" and self.state.loops:
                self.state.loops.pop()
            if word == "esac" and self.cases:
                self.cases.pop()
            self._close()
        elif word == "case":
            while self.at < len(self.tokens) and self.tokens[self.at].text != "in":
                self.at += 1
            self.at += 1
            self.cases.append(True)
            self.state.nested += 1
        elif word == "function":
            self.defining = self.tokens[self.at].text if self.at < len(self.tokens) else ""
            self.at += 1
        elif word == "[[":
            while self.at < len(self.tokens) and self.tokens[self.at].text != "]]":
                self.at += 1
            self.at += 1
        elif word not in _OPENING and not word.startswith("(("):
            return False
        return True

    def _brace(self, token: Token) -> bool:
        if token.text == "{":
            self.bodies.append(opened(self.defining, self.at, self.state))
            self.defining = ""
        elif token.text == "}" and self.bodies:
            defined(self.bodies.pop(), self.tokens, self.at - 1, self.offset, self.state)
        return token.text in ("{", "}")

    def _close(self) -> None:
        self.state.nested = max(0, self.state.nested - 1)

    def _for(self, token: Token) -> None:
        self.state.loops.append(Loop("for", token.line + self.offset))
        self.state.nested += 1
        name = self.tokens[self.at].text if self.at < len(self.tokens) else ""
        self.at += 1
        items: list[str] = []
        while self.at < len(self.tokens) and self.tokens[self.at].kind == "word" and self.tokens[self.at].text != "do":
            items.append(self.tokens[self.at].text)
            self.at += 1
        if re.fullmatch(r"\w+", name) and items[:1] == ["in"]:
            values = [
                w.text if w.known else None for raw in items[1:] for way in ways([raw], self.state) for w in words(raw, way)
            ]
            self.state.names[name] = tuple(dict.fromkeys(values))[:MAX_WAYS] or (None,)
            self.state.looped.add(name)
        else:
            self.state.names[name] = (None,)

    def _end(self, ends: str) -> None:
        raw, reads, stdin = self.raw, self.reads, self.stdin
        line, self.stdin_line = self.stdin_line, 0
        self.raw, self.reads, self.stdin = [], [], ""
        if not raw:
            if ends == "&" and self.state.found:  # `( .. ) &`, `done &`
                self.state.found[-1] = replace(self.state.found[-1], ends="&")
            return
        for token in raw:
            substitutions(token.text, self.state, token.line + self.offset - 1)
        head = list(itertools.takewhile(lambda t: ASSIGN.match(t.text), raw))
        rest = raw[len(head) :]
        if not rest:
            for token in head:
                assign(token.text, self.state)
            return
        chosen = undecided([t.text for t in raw], self.state)
        for way in ways([t.text for t in raw], self.state):
            environment = tuple((t.text.split("=", 1)[0], one(t.text.split("=", 1)[1], way).text) for t in head)
            fields = tuple(w for t in rest for w in words(t.text, way))
            self.state.left -= sum(len(w.text) for w in fields) - sum(len(t.text) for t in rest)  # what expanding made of it
            if fields:
                command = Command(
                    fields, self.state.file, rest[0].line + self.offset, self.state.cwd, environment, tuple(self.state.loops),
                    tuple(one(r, way) for r in reads), stdin, line, ends, self.state.exports, chosen,
                )  # fmt: skip
                self.state.found.append(command)
                effect(command, [t.text for t in rest], self.state)
