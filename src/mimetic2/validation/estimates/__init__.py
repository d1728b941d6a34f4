"""The second part of the simulation study: what stands beside the verdict.

Weights, the curve and what is read off it, N50 and N90, uncertain counts, groups, checks, and concepts that are not
independent. Each topic simulates studies whose truth is known, asks the package as a user's table does, and notes what
held. :mod:`mimetic2.validation.estimates.topics` lists topics, cases and requirements.
"""

from mimetic2.validation.estimates.study import estimate_cases, validate_estimates

__all__ = ["estimate_cases", "validate_estimates"]
