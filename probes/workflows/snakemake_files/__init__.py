"""How is each kind of file read that Snakemake 7 to 9 leaves? One question a module; `probes/workflows/snakemake.py` puts the answers together."""
