"""The lesson's content: what its chapters show, computed from run folders before anybody visits."""
