"""What does the evidence mean, and who reads it?"""

from auditor import __version__ as __auditor__

__all__ = ["__auditor__"]
