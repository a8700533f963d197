"""Closing a campaign in one act: what it ends, the act itself, and the way back until the next day ends."""
