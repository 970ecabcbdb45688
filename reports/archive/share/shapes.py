"""What does something look like that must not be published, whoever it belongs to? Patterns by rule; each has a group `value`.

Beyond the secrets that auditor.redact knows: addresses, sockets and tickets, serial numbers, and forms of keys that are only searched
for before something is published. Every repetition is bounded or free of overlap, so that hostile text costs linear time.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping

from auditor.redact import SECRET_NAME
from reports.archive.share.book import Kind

NAMED: Mapping[Kind, re.Pattern[str]] = {
    Kind.MAIL: re.compile(r"(?<![\w.+%@/-])(?P<value>(?!git@)[\w.+%-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){0,5}\.[A-Za-z]{2,24})(?![\w@])"),
    Kind.DEVICE: re.compile(
        r"(?x) (?P<value> \b(?:GPU|MIG)-[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12} )"
        r"| (?i:\bserial(?:[ ]number|_number|no)?['\"]?\s{0,20}[:=]\s{0,4}['\"]?)(?P<serial>[A-Z0-9][A-Z0-9-]{5,40})\b"
        r"| (?P<mac>(?<![\w:])[0-9a-fA-F]{2}(?::[0-9a-fA-F]{2}){5}(?![\w:]))"
    ),
    Kind.ADDRESS: re.compile(
        r"(?x) (?<![\w.=-])(?P<value> (?:\d{1,3}\.){3}\d{1,3} )(?![\w-]|\.\d)"
        r"| (?<![\w:.])(?P<six> (?:[0-9a-fA-F]{1,4}:){2,7}(?::?[0-9a-fA-F]{1,4}){1,7}"
        r" | [0-9a-fA-F]{1,4}(?::[0-9a-fA-F]{1,4}){0,6}::(?:[0-9a-fA-F]{1,4}(?::[0-9a-fA-F]{1,4}){0,6})? )(?![\w:])"
    ),
}  # fmt: skip
"""Found anywhere, given a name."""

SECRETS: Mapping[str, re.Pattern[str]] = {
    "ssh-agent": re.compile(r"(?P<value>/(?:tmp|run|var/run)/[\w./-]{0,80}(?:ssh-[\w-]{4,40}/agent\.\d+|keyring/ssh|gnupg/S\.[\w.-]{1,40}))"),
    "kerberos": re.compile(r"(?P<value>(?:(?:FILE|DIR|KEYRING|KCM):[\w/:.-]{0,80})?/?[\w/.-]{0,80}krb5cc[\w.:-]{1,80}|\bKCM:\d+|\bKEYRING:[\w:-]{3,80})"),
    "user-runtime": re.compile(r"(?P<value>/run/user/\d+)"),
    "cookie": re.compile(
        r"(?i)(?:\b(?:set-)?cookie['\"]?\s{0,2}[:=]\s{0,2}['\"]?(?P<value>[^\s'\"\[][^\r\n'\"]{3,2000})"
        r"|[?&;](?:\w{0,30}(?:sess(?:ion)?(?:_?id)?|sid|auth|sig|signature|token|key|pass\w{0,8}|secret|jwt|ticket))=(?P<query>[^&\s'\"#<>\[]{4,2000}))"
    ),
    "login-line": re.compile(r"(?im)^[ \t]{0,20}(?:machine[ \t]+\S+|default)\s+login\s+(?P<value>\S+)(?:\s+(?:password|account)\s+(?P<pass>[^\s\[]\S*))?"),
    "registry-auth": re.compile(r"(?i)['\"](?:auth|identitytoken|registrytoken)['\"]\s{0,4}:\s{0,4}['\"](?P<value>[^'\"\[]{6,4000})['\"]"),
    "cloud-key": re.compile(
        r"(?x) (?i:(?:AccountKey|SharedAccessKey|SharedAccessSignature)=)(?P<value>[A-Za-z0-9+/=%_-]{16,200})"
        r"| hooks\.slack\.com/(?:services|workflows)/(?P<hook>[\w/]{20,90})"
        r"| \b(?P<kind>(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{16,99} | SK[0-9a-f]{32} | dapi[0-9a-f]{32} | dop_v1_[0-9a-f]{40,64} | hv[sb]\.[\w-]{20,200}"
        r" | [sr]\.[A-Za-z0-9]{24}(?![\w.])"
        r" | \d{8,10}:AA[\w-]{32,35} | AGE-SECRET-KEY-1[A-Z0-9]{50,60} | lin_api_\w{30,50} | gl(?:rt|ptt|dt|soat|ft)-[\w-]{16,60}"
        r" | nvapi-[\w-]{30,90} | r8_\w{30,50} | xapp-[\w-]{20,120} | doo_v1_[0-9a-f]{40,64} | AKCp[\w]{20,90} | whsec_[\w+/=]{20,60} )"
    ),
    "named-secret": re.compile(
        r"(?i)(?<![\w.])(?P<name>\w{0,40}(?:passw(?:or)?d|passwd|passphrase|secret|api_?key|access_?key|auth_?token|pwd|_pass|_pw))['\"]?\s{0,3}(?:=|:(?!//)|=>)\s{0,3}"
        r"['\"]?(?P<value>[^\s'\"$<>{}()\[\],;&|/\\][^\s'\"<>,;&|\\]{5,400})"
    ),
}  # fmt: skip
"""Found anywhere, taken out."""

_OPTION = r"(?:^[ \t]*#SBATCH\b[^\n]*?[ \t]|(?<![\w-])sbatch\b[^\n]*?[ \t]|(?<![\w-])srun\b[^\n]*?[ \t])"
OPTIONS: Mapping[str, Kind] = {
    "account": Kind.ACCOUNT, "A": Kind.ACCOUNT, "mail-user": Kind.MAIL, "comment": Kind.WORD, "admin-comment": Kind.WORD,
    "wckey": Kind.WORD, "uid": Kind.USER, "gid": Kind.GROUP, "extra": Kind.WORD, "nodelist": Kind.NODE, "w": Kind.NODE,
    "exclude": Kind.NODE, "x": Kind.NODE, "reservation": Kind.ACCOUNT,
}  # fmt: skip
"""Scheduler options whose value is somebody's name, or anybody's words (sbatch(1))."""
OPTION = re.compile(
    rf"(?m){_OPTION}(?:--(?P<long>{'|'.join(sorted((o for o in OPTIONS if len(o) > 1), key=len, reverse=True))})(?:=|[ \t]+)|-(?P<short>[Awx])[ \t]*)"
    r"(?:\"(?P<double>[^\"\n]{1,400})\"|'(?P<single>[^'\n]{1,400})'|(?P<bare>[^\s\"'#][^\s\"']{0,399}))"
)

_SECRET_FILE = re.compile(
    r"(?i)\.netrc|\.pgpass|\.my\.cnf|\.htpasswd|\.git-credentials|id_(?:rsa|dsa|ecdsa|ed25519)(?:_\w+)?|.*\.(?:pem|key|p12|pfx|jks|keytab|kdbx)"
    r"|my_launchpad\.yaml|credentials|\.?(?:docker)?config\.json\.auth|krb5cc_.*|\.Xauthority"
)
PRIVATE_NUMBERS = ("127.", "0.0.0.0", "255.255.")


def value(match: re.Match[str]) -> tuple[int, int]:
    """Where the part lies that must go: the first named group that matched, `name` aside."""
    return next(match.span(g) for g in match.re.groupindex if g != "name" and match.start(g) >= 0)


def is_address(text: str) -> bool:
    """An address of a machine; not of this one, no version number, no time of day, no C++ name."""
    if text.startswith(PRIVATE_NUMBERS) or text in ("::1", "::"):
        return False
    if ":" in text and not re.search(r"[0-9a-fA-F]{3}", text):
        return False
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def named_secret(path: str) -> bool:
    """Does a small file's own name say that its content is one? `params/db_password`, `.netrc`, `id_ed25519`."""
    name = path.rpartition("/")[2]
    return bool(_SECRET_FILE.fullmatch(name)) or (
        "." not in name and bool(SECRET_NAME.search(re.sub(r"[^A-Za-z0-9]+", "_", name)))
    )
