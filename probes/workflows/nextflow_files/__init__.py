"""How is each kind of file read that Nextflow leaves? One question a module; `probes/workflows/nextflow.py` puts the answers together.

Formats are those of the sources of Nextflow 26.08 (github.com/nextflow-io/nextflow, Apache-2.0) and of public logs of 20.10 to 25.10.
"""
