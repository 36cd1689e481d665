"""Portico: a customer portal that a small team hosts itself."""
