"""What is measured, runnable by anyone: ``make bench``. Every claim is a ratio within one run."""
