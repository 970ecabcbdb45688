"""What can be seen at a glance? One SVG a file, each a pure function from a scorecard to text."""
