"""The nightly reconciliation: statements, comparisons with the offices' registers, figures (domain.md §6–7)."""
