"""Why do two runs differ? Differences that can be carried over, a search over them, and a certificate (`auditor bisect A B`)."""

from auditor.replay.bisect.case import Case, Options, case
from auditor.replay.bisect.find import Prepared, find, prepare

__all__ = ["Case", "Options", "Prepared", "case", "find", "prepare"]
