"""Who vouches for a bundle? Signatures by SSH keys, and statements that other people's tools read."""
