"""One self-contained HTML page that says what a run found, why, and what it does not show.

The page is read by people who did not make the run: it asks nothing of the network, runs only the script that its
own content security policy names by digest, and treats every name as untrusted text.
"""

from mimetic2.report.audited import write_audit_page
from mimetic2.report.comparison import compare_runs, write_comparison
from mimetic2.report.page import write_report

__all__ = ["compare_runs", "write_audit_page", "write_comparison", "write_report"]
