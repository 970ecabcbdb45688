"""What can be observed about a run? One file per observation."""

from auditor import __version__ as __auditor__

__all__ = ["__auditor__"]
