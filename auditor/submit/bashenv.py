"""How does the hook reach the job? One variable: bash reads the file BASH_ENV names, and its value carries what the hook must know.

bash expands the value in double quotes before it opens the file, and sees the raw value inside it; so data can stand where
expansion drops it. Nothing else is added to the job's environment, and the hook puts the variable back. Lean: no imports.
"""

from __future__ import annotations

MARK = "__auditor+"
LIMIT = 32768
_SPECIAL = frozenset('"$`\\')
_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/._,@%^-")


def value(hook: str, submission: str, prior: str | None, extra: str = "") -> str:
    """What BASH_ENV has to be. Raises ValueError, with the reason, when it cannot carry this.

    hook: absolute path; prior: BASH_ENV as it was, None when unset; extra: text for the snapshot, see `auditor.submit.injob`.
    """
    if "'" in hook or "}" in hook or "\n" in hook:
        raise ValueError("the path of the hook holds a quote, a brace or a line break")
    data = f"{MARK}:{submission}:{'' if prior is None else '=' + _hex(prior)}:{_hex(extra)}:"
    if len(data) > LIMIT:
        raise ValueError("what the hook must know is too long for a variable")
    if not prior:
        return "".join("\\" + c if c in _SPECIAL else c for c in hook) + "${" + data + "}"
    if '"' in prior:
        raise ValueError("the BASH_ENV that is set already holds a quotation mark")
    # the hook's folder may not be mounted on the compute node: then the user's own file must still be read
    return f"$(: '{data}';if [ -r '{hook}' ];then printf %s '{hook}';else printf %s \"{prior}\";fi)"


def _hex(text: str) -> str:
    r"""`\xHH` for all but plain characters: survives bash's `printf %b`, and quoting of every kind."""
    raw = text.encode("utf-8", "surrogateescape")
    return "".join(chr(b) if chr(b) in _PLAIN else f"\\x{b:02x}" for b in raw)
