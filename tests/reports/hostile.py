"""Which run do the drafts' tests try to break with? Every text in it is a stranger's, and acts where it is not written with care."""

from __future__ import annotations

from auditor.claimed import ClaimChecked, ClaimsChecked, PaperAuthor, Standing
from auditor.model import Evidence, Job, Phase
from tests import factory
from tests.factory import at, seen, sha

EVIL = (
    '"\n- x: !!python/object/apply:os.system ["id"]\n---\n# \' }: &a *a | > % @ ` \\ <script>alert(1)</script> &amp; '
    "\\input{/etc/passwd} $x_1$ {\\def\\x{}} ^^5c \x1b[31m\u202e\ufffe\u2028\x85\udcff 漢 é"
)
CLAIMS = ClaimsChecked(
    EVIL,
    EVIL,
    "https://doi.org/10.1234/a b\n",
    (PaperAuthor(EVIL, "0000-0002-1825-0097"),),
    (ClaimChecked(EVIL, EVIL, EVIL, "0" * 16, EVIL, sha(EVIL), EVIL, Standing.LINKED, EVIL),),
)


def run() -> tuple[Job, tuple[Evidence, ...]]:
    job = factory.job(script_path=f"/home/{EVIL}", workdir=f"/home/{EVIL}")
    outputs = factory.manifest(*(factory.file(place, "output") for place in (EVIL, f"/abs/{EVIL}", "../up", "C:x", "fine.csv")))
    return job, (
        seen(factory.submission(script_path=f"/home/{EVIL}")),
        seen(factory.git_state(EVIL, remote=f"https://user:secret@example.org/{EVIL}")),
        seen(factory.manifest(factory.file(EVIL)), phase=Phase.START, taken_at=at(1)),
        seen(factory.packages("a==1"), phase=Phase.START),
        seen(factory.modules(EVIL), phase=Phase.START),
        seen(factory.hardware(cpu_model=EVIL), phase=Phase.START),
        seen(outputs, phase=Phase.END, taken_at=at(11)),
        seen(factory.accounting("123", name=EVIL, gpu_type=EVIL), phase=Phase.LATER, taken_at=at(12)),
        seen(CLAIMS, phase=Phase.LATER, taken_at=at(13)),
    )


RUN = run()
