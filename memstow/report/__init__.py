"""The report: one self-contained HTML page of a plan, with figures, the memory picture and the slow tensors."""

from .html import render_report

__all__ = ["render_report"]
