"""The report: one self-contained page, the methods text and the COBIDAS items, from the output folder alone."""

from deltaroi.report.write import write_report

__all__ = ["write_report"]
