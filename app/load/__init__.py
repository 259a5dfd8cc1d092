"""The load test behind ``adrec bench app``: real sessions over the websocket against a server of this machine, and what they cost it."""
