"""Portico: a customer portal that a small team hosts itself."""

import gc

# Starting makes 300,000 objects that stay. To look through them again and again while they are
# made takes a fifth of the time.
gc.set_threshold(20_000, 20, 20)
