"""Figures of the documentation: ``python -m benchmarks`` measures them, writes their pages and checks these."""
