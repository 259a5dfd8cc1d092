"""The Denoising page: one module for each part of it, and one for what they read."""
