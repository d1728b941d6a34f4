"""Human study: which pairs raters see, and how far they agree with each other and with the score."""

from mimetic2.ratings.agreement import krippendorff_alpha, rating_matrix
from mimetic2.ratings.pairs import design_pairs

__all__ = ["design_pairs", "krippendorff_alpha", "rating_matrix"]
