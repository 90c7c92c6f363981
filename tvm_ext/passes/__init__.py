"""Relax passes, one file each."""
