"""What is deposited of a run, and is it whole? Bag, crate, ZIP, payload, lock, recipe, verifier."""
