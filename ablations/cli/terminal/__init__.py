"""What commands write to, and what stops them: terminal, progress bars, streams and signals."""
