"""Who and what is named in the records of a run? Users, groups, accounts, nodes, folders, in the order of their appearance.

First where a field or a form says what it is (`UserId=`, `ls -l`, `#SBATCH --account`, `/home/...`); what is found there is then
replaced wherever it stands.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from auditor.codec import plain
from auditor.model import Evidence, Job
from auditor.redact import SECRET_NAME, allowed
from reports.archive.share import hosts
from reports.archive.share.book import Book, Kind, plain_word
from reports.archive.share.shapes import OPTION, OPTIONS

KEYS: Mapping[str, Kind] = {
    **dict.fromkeys(("user", "username", "user_name", "owner", "submitter", "created_by", "launched_by", "logname"), Kind.USER),
    **dict.fromkeys(("account", "entity", "slurm_account"), Kind.ACCOUNT),
    **dict.fromkeys(("cluster", "cluster_name"), Kind.CLUSTER),
    **dict.fromkeys(("host", "hostname", "hosts", "nodes", "nodelist", "node_list", "nodename", "submit_host", "fqdn"), Kind.NODE),
}  # fmt: skip
_NODE_VARIABLE = re.compile(r"NODELIST|NODENAME|NODE_LIST|_HOST$|TOPOLOGY_ADDR$|HOSTNAME")
_NODE = re.compile(r"[A-Za-z0-9](?:[\w-]{0,62}\.){0,6}[\w-]{0,62}")
_FORMS: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    (Kind.USER, re.compile(r"(?:\bUserId=|\buid=\d+\(|\beuid=\d+\()([A-Za-z_][\w.-]*)")),
    (Kind.GROUP, re.compile(r"\bGroupId=([A-Za-z_][\w.-]*)")),
    (Kind.GROUP, re.compile(r"\b(?:e?gid=|groups=|,)\d+\(([A-Za-z_][\w.-]*)\)")),
    (Kind.USER, re.compile(r"(?m)\b(?:USER|LOGNAME|USERNAME|SLURM_JOB_USER)[=:]['\" ]?([A-Za-z_][\w.-]*)")),
    (Kind.USER, re.compile(r"(?m)^[-dlcbps][rwxsStT-]{9}[.+@]? +\d+ +([A-Za-z_][\w.-]*) ")),
    (Kind.GROUP, re.compile(r"(?m)^[-dlcbps][rwxsStT-]{9}[.+@]? +\d+ +\S+ +([A-Za-z_][\w.-]*) ")),
    (Kind.ACCOUNT, re.compile(r"\b(?:Account=|SLURM_(?:JOB_)?ACCOUNT=|SBATCH_ACCOUNT=)['\"]?([A-Za-z][\w.-]*)")),
    (Kind.NODE, re.compile(r"\b(?:BatchHost|AllocNode:Sid|ReqNodeList|SubmitHost|NodeName|NodeHostName)=([A-Za-z][\w.-]*)")),
    (Kind.NODE, re.compile(
        r"(?i)\b(?:SLURM_SUBMIT_HOST|host(?:_?name)?|running on(?: node| host)?|submitted from)['\"]?\s{0,3}[:= ]\s{0,3}['\"]?"
        r"([A-Za-z][\w-]*\d[\w.-]*|[A-Za-z][\w-]*(?:\.[\w-]+){2,6})"
    )),
    (Kind.NODE, re.compile(r"\b(?:ssh|scp|rsync)\s[^\n|;&]{0,80}?\b(?:[\w.-]+@)?([A-Za-z][\w-]*(?:\.[\w-]+){1,6}|[A-Za-z]+[\w-]*\d+):")),
    (Kind.USER, re.compile(r"\b([A-Za-z_][\w-]{1,31})@(?=[A-Za-z][\w-]*\d[\w-]*[:\s]|[\w.-]+:[~/])")),
    (Kind.NUMBER, re.compile(r"\b(?:e?uid|e?gid|UserId|GroupId)=(?:[A-Za-z_][\w.-]*\()?(\d{3,10})")),
)  # fmt: skip
_HOME = re.compile(r"(?<![\w.-])((?:/[\w.-]+){0,3}?/(?:home|homes|users|Users|u))/([A-Za-z_][\w.-]*)((?:/[\w.-]+)?)")
_STORE = re.compile(
    r"(?<![\w.$-])/(?:p?scratch\w*|lustre\w*|gpfs\w*|beegfs\w*|ceph\w*|vast\w*|weka\w*|projects?|proj|project\d*|work\d*|data\d*|nfs\w*|mnt|media|global"
    r"|store|storage|archive|groups?|export|volumes?|net|fs\d+|bigdata|depot|ptmp|gscratch|users?)((?:/[\w.+-]+){1,3})"
)
_NOBODYS_HOME = {"conda", "runner", "builder", "linuxbrew", "task_1", "docs"}
PUBLIC_HOSTS = re.compile(
    r"(?:^|\.)(?:github\.com|gitlab\.com|bitbucket\.org|codeberg\.org|sr\.ht|huggingface\.co|zenodo\.org|figshare\.com|dataverse\.org|osf\.io"
    r"|pypi\.org|pythonhosted\.org|anaconda\.(?:org|com)|conda\.io|docker\.(?:io|com)|quay\.io|ghcr\.io|nvcr\.io|gcr\.io|pkg\.dev|amazonaws\.com"
    r"|sylabs\.io|dockstore\.org|w3id\.org|w3\.org|schema\.org|doi\.org|orcid\.org|python\.org|arxiv\.org|spdx\.org|github\.io|readthedocs\.io"
    r"|schedmd\.com|apptainer\.org|pytorch\.org|tensorflow\.org|nvidia\.com|qudt\.org|invalid|example|localhost)$"
)
_REMOTE = re.compile(r"(?:[a-z][a-z+]{1,10}://(?:[^\s/@]{1,200}@)?|\bgit@)([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)(?=[:/])")
_REMOTE_KEYS = {"remote", "tracking_uri", "registry", "tracker", "server", "url", "base_url", "index_url", "endpoint"}


def strings(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Every text of JSON-like data with the name of the field it is in (of a mapping: its key, which is a text itself)."""
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield "", name
            yield from strings(inner, name)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from strings(inner, key)


def harvest(job: Job, evidence: Sequence[Evidence], environ: Mapping[str, str], texts: Iterable[str]) -> Book:
    """All names of a run. environ: of whoever publishes; texts: files that may be carried, after everything else, so that the
    numbers of a page and of a bundle are the same."""
    book = Book()
    whole = plain(job), *(plain(e) for e in evidence)
    found = [pair for part in whole for pair in strings(part)]
    mine = next(
        (v for v in (job.user, *(v for k, v in found if KEYS.get(k.lower()) is Kind.USER), environ.get("USER", "")) if v), ""
    )
    _folders(book, job, found, mine, environ)
    for key, text in found:
        _field(book, key, text)
        _forms(book, text)
    _environment(book, environ)
    files = list(texts)
    for text in files:
        _forms(book, text)
        _homes(book, text, mine)
    _domains(book, [*(text for _, text in found), *files])
    return book


def _domains(book: Book, texts: Sequence[str]) -> None:
    """What follows the name of a node: `n1` is known, and a text says `n1.site.edu`."""
    known = [re.escape(real) for kind, real, _ in book.items() if kind is Kind.NODE and not plain_word(real)][:500]
    if not known:
        return
    whole = re.compile(rf"(?<![\w.-])(?:{'|'.join(known)})\.((?:[a-z0-9-]{{1,63}}\.){{1,5}}[a-z]{{2,24}})(?![\w(])")
    for domain in dict.fromkeys(d for text in texts if "." in text for d in whole.findall(text)):
        if not PUBLIC_HOSTS.search(domain):
            book.name(Kind.SITE, domain)


def _field(book: Book, key: str, text: str) -> None:
    kind = KEYS.get(key.lower()) or (Kind.NODE if _NODE_VARIABLE.search(key) else None)
    if kind is Kind.NODE:
        _each(book, hosts.names(text) if len(text) < 100_000 else ())
    elif kind and text and len(text) <= 64 and re.fullmatch(r"[\w.@+ -]+", text):
        book.name(kind, text)
    elif key in _REMOTE_KEYS:
        for domain in _REMOTE.findall(text):
            if not PUBLIC_HOSTS.search(domain.lower()):
                book.name(Kind.SITE, domain)


def _each(book: Book, names: Iterable[str]) -> None:
    for name in names:
        if (
            _NODE.fullmatch(name)
            and not name.replace(".", "").isdigit()
            and name.lower() not in {"localhost", "none", "unknown", "null"}
        ):
            _host(book, name)


def _host(book: Book, name: str) -> None:
    """`n1.site.edu` and `n1` are one node; its domain is a site."""
    short, _, domain = name.partition(".")
    book.name(Kind.NODE, short)
    if domain.count(".") and not PUBLIC_HOSTS.search(domain.lower()):
        book.name(Kind.SITE, domain)


def _forms(book: Book, text: str) -> None:
    if len(text) < 4:
        return
    for kind, form in _FORMS:
        for name in form.findall(text):
            if kind is Kind.NODE:
                _each(book, [name])
            elif name not in {"git", "NULL", "N"} and not (kind is Kind.USER and len(name) < 2):
                book.name(kind, name)
    for match in OPTION.finditer(text):
        said = match["double"] or match["single"] or match["bare"] or ""
        kind = OPTIONS[match["long"] or match["short"]]
        if kind is Kind.NODE:
            _each(book, hosts.names(said))
        elif len(said) > 2 and not said.startswith(("$", "[withheld")) and kind is not Kind.MAIL:
            book.name(kind, said)
    _tables(book, text)
    if "\\n" in text:
        _forms(book, text.replace("\\n", "\n"))


def _tables(book: Book, text: str) -> None:
    """The USER column of squeue, sacct and ps."""
    for _, user, _ in rows(text):
        if re.fullmatch(r"[A-Za-z_][\w.-]*", user):
            book.name(Kind.USER, user)


LINE = re.compile(r"(\\n|\n)")
"""An end of a line, also as programs write it in a text."""


def rows(text: str) -> Iterator[tuple[int, str, str]]:
    """Line number, user and line, of tables of jobs or processes with a column for the user."""
    if "USER" not in text and "User" not in text:
        return
    column, cut = -1, ""
    for number, line in enumerate(LINE.split(text)[::2]):
        mark = "|" if "|" in line else ""
        words = [w.strip() for w in (line.split("|") if mark else line.split())]
        upper = [w.upper() for w in words]
        if "USER" in upper and ("JOBID" in upper or "PID" in upper):
            column, cut = upper.index("USER"), mark
        elif column >= 0 and mark == cut and len(words) > max(column, 2):
            if not set(words[column]) <= {"-"}:
                yield number, words[column], line
        elif not line.strip():
            column = -1


def _folders(book: Book, job: Job, found: Sequence[tuple[str, str]], mine: str, environ: Mapping[str, str]) -> None:
    """The work directory and the user's own home by their names; others' homes and project folders numbered."""
    taken = " ".join(text for _, text in found if "/$" in text)
    home = environ.get("HOME", "")
    if job.workdir.count("/") > 0 and len(job.workdir) > 1 and job.workdir != home:
        book.name(Kind.FOLDER, job.workdir.rstrip("/"), free("WORK", taken))
    for _, text in found:
        _homes(book, text, mine, own=True)
    if home.startswith("/") and len(home) > 2:
        book.name(Kind.FOLDER, home.rstrip("/"), _numbered(book, "HOME") if book.taken("/$HOME") else free("HOME", taken))
    for _, text in found:
        _homes(book, text, mine)


def free(name: str, taken: str) -> str:
    """`/$WORK`, unless a text of the run says just that already. Absolute, so that it stays a path; a shell expands it."""
    made, number = f"/${name}", 1
    while made in taken:
        number += 1
        made = f"/${name}_{number}"
    return made


def _homes(book: Book, text: str, mine: str, own: bool = False) -> None:
    """own: only the user's own, who is `mine`."""
    if "/" not in text:
        return
    for base, name, deeper in _HOME.findall(text):
        his = name == mine or deeper[1:] == mine
        if (own and not his) or name.lower() in _NOBODYS_HOME or (plain_word(name) and not his):
            continue
        home = f"{base}/{name}" + (deeper if deeper[1:] == mine else "")
        if not book.known(Kind.FOLDER, home):
            owner = deeper[1:] if deeper[1:] == mine else name
            book.name(Kind.USER, owner)
            book.name(Kind.FOLDER, home, "/$HOME" if owner == mine and not book.taken("/$HOME") else _numbered(book, "HOME"))
    for match in _STORE.finditer(text) if not own else ():
        parts = match[1].split("/")[1:]
        depth = parts.index(mine) + 1 if mine in parts else 1
        if len(parts) == 1 and mine not in parts:
            continue  # a file, or a folder of an image
        top = match[0][: match.start(1) - match.start()]
        folder = top + "/" + "/".join(parts[:depth])
        if not book.known(Kind.FOLDER, folder):
            book.name(Kind.FOLDER, folder, _numbered(book, "STORE"))


def _numbered(book: Book, name: str) -> str:
    number = 1 if name != "HOME" else 2
    while book.taken(f"/${name}_{number}"):
        number += 1
    return f"/${name}_{number}"


_ADD: Mapping[str, Callable[[Book, str], object]] = {
    **dict.fromkeys(("USER", "LOGNAME", "SUDO_USER", "SLURM_JOB_USER"), lambda b, v: b.name(Kind.USER, v)),
    **dict.fromkeys(("HOSTNAME", "HOST", "SLURM_SUBMIT_HOST", "SLURMD_NODENAME"), lambda b, v: _each(b, [v])),
    **dict.fromkeys(("SLURM_JOB_ACCOUNT", "SBATCH_ACCOUNT", "SLURM_ACCOUNT"), lambda b, v: b.name(Kind.ACCOUNT, v)),
}  # fmt: skip
_DULL = re.compile(
    r"^(?:TERM|COLORTERM|SHLVL|PAGER|EDITOR|VISUAL|LESS\w*|LS_COLORS|XDG_\w+|DISPLAY|LINES|COLUMNS|_|PS\d|DEBIAN_FRONTEND|PYTEST_\w+|GPG_KEY|PYTHON_\w*)$"
)


def _environment(book: Book, environ: Mapping[str, str]) -> None:
    """What the publisher's own environment holds: names, and values that nobody may see, which are then searched for literally."""
    for name, value in sorted(environ.items()):
        if name in _ADD and value:
            _ADD[name](book, value)
        elif (
            8 <= len(value) <= 4096
            and not allowed(name)
            and not _DULL.match(name)
            and (SECRET_NAME.search(name) or _telling(value))
        ):
            book.name(Kind.WORD, value)


def _telling(value: str) -> bool:
    """Not a path, a number, a flag, an ordinary word."""
    if value.startswith(("/", "~", "http://", "https://", "(", "*")) or plain_word(value):
        return False
    return bool(re.search(r"\d", value) and re.search(r"[A-Za-z]", value))
