"""Files that people bring, as rows and columns with an account of what was read. Nothing here knows models."""
