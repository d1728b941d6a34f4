"""What a reviewer would ask of a threshold: other choices, assumptions, uncertain counts, groups, one-sided bounds.

Each module answers one question from the observations and the conclusion drawn from them; a question that the table
cannot answer is answered "not testable", with the reason.
"""

from mimetic2.threshold.checks.examine import Checks, examine
from mimetic2.threshold.checks.setting import Setting

__all__ = ["Checks", "Setting", "examine"]
