"""Pushes a file to an office's topic, or posts it to the API, and takes up where it stopped."""
