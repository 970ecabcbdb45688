"""How does a folder of any size become a list of digests, at the speed of the disk or of memory? Standard library only."""
