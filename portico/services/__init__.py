"""What changes something. A service owns the transaction, the trail and the mail."""
