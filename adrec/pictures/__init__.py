"""What the pictures of the Collapse page are sent, for the app and for the site: pure functions of tables and verdicts."""
