"""From the fits of one subject's runs to responses."""

from deltaroi.responses.summarise import summarise

__all__ = ["summarise"]
