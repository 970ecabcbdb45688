"""How is a campaign judged? Its runs one by one, their findings folded, and the whole asked what no single run can tell."""
