"""A report as a table, CSV, JSON, Markdown, HTML or LaTeX."""
