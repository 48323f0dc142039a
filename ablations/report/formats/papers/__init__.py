"""What goes into a text: tables of numbers and figures, for LaTeX, Markdown and spreadsheets."""
