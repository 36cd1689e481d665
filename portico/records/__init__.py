"""Tables, and the rules on one record. ``models.py`` at the top is the map."""
