"""The figures, one module each: a module that is put here is listed, drawn and documented.

A module is called after its figure (``alignment_frontier`` is ``alignment-frontier``) and holds
``FIGURE``, a :class:`infostat.reporting.figures.FigureEntry`.
"""
