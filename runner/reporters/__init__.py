"""Reports: folds over a run's events that write to a terminal or a file."""
