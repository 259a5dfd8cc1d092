"""Who may ask this server for what: its modes, visitors and their limits, what of a request passes, files under addresses of their own."""
