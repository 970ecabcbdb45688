"""Which engines carry work to other machines? Each runs tasks of bytes; what comes back does not depend on it."""
