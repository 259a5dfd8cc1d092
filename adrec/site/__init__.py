"""The demo without a server: a folder of pages for any static web space."""
