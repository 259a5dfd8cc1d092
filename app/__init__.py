"""What the pages share: entry point, figures, cached loaders, URL state, background jobs."""
