"""The report: one self-contained HTML page of one or more plans, and static pictures for papers and notebooks."""

from .html import render_page, render_report
from .reported import ReportedPlan, report_plan

__all__ = ["ReportedPlan", "render_page", "render_report", "report_plan"]
