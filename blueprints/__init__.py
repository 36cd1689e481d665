"""The doors: who may pass, and what each page shows."""
