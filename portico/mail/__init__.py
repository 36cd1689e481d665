"""Mail: one function per message, and the way out over SMTP."""
