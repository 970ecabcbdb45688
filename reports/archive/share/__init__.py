"""How does a run become something that strangers may read? Names, places and secrets out, what was measured stays."""
