"""From counts and scores to the imitation threshold: shapes, verdict, intervals, the paper's rule, prediction.

The narrow waist of the package: needs only numpy and polars, reads one table, returns one :class:`ThresholdResult`.
"""

from mimetic2.threshold.curve import Onset, Prediction, predict
from mimetic2.threshold.find import METHODS, find_threshold, threshold_of
from mimetic2.threshold.observations import SideColumns
from mimetic2.threshold.paper import PENALTY, PaperThreshold, paper_threshold
from mimetic2.threshold.result import ThresholdResult
from mimetic2.threshold.segmentation import batched_change_points, change_points
from mimetic2.threshold.table import ThresholdTable, read_threshold_table, threshold_table
from mimetic2.threshold.verdict import Verdict

__all__ = [
    "METHODS",
    "PENALTY",
    "Onset",
    "PaperThreshold",
    "Prediction",
    "SideColumns",
    "ThresholdResult",
    "ThresholdTable",
    "Verdict",
    "batched_change_points",
    "change_points",
    "find_threshold",
    "paper_threshold",
    "predict",
    "read_threshold_table",
    "threshold_of",
    "threshold_table",
]
