"""Parts of the pages that run in the browser: canvas, no library."""
