"""Who reads a scorecard? One `FORMAT` a file; every one a pure function from a scorecard to bytes."""
