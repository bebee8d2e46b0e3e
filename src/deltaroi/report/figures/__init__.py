"""The figures: arrays in, matplotlib Figure out; saving is apart (:mod:`deltaroi.report.figures.style`)."""
