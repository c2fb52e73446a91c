"""What the figures compare with: other people's ways of doing the same."""
