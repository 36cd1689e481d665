"""Documents from outside (spec I1): a file in, checked content and what to say about it out.

The readers are pure: they know no database, no request, and keep nothing.
"""
