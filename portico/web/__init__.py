"""What all doors share: extensions, the tenancy hook, sessions, limits, pages, errors."""
