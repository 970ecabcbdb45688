"""What could somebody else run again, and how do we know? The machine; it names no probe, tip or format."""

__version__ = "0.1.0"
