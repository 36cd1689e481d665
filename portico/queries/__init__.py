"""Reads shaped for pages. They change nothing and know no request."""
