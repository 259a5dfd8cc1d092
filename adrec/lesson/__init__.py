"""The lesson: what its chapters show, computed from run folders before anybody visits, and the lesson as one file."""
