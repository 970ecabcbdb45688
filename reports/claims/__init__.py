"""Which figures and claims of a paper rest on which outputs of which runs? Read from `claims.toml`, checked against what is known."""
