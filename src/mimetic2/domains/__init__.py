"""Domains: what differs between faces, art styles, the lab and whatever is added next, as data.

A domain is one YAML file beside this module (or anywhere, given by its path): prompts, embedder, verification cut-offs
and the words of the report. No other module knows a domain by name.
"""

from mimetic2.domains.cutoff import TEXT_COSINE, Behind, Cutoff, MeasuredRates, TextFilter, published_choice, vouched
from mimetic2.domains.domain import Domain, Words, domain_names, load_domain, read_prompts

__all__ = [
    "TEXT_COSINE",
    "Behind",
    "Cutoff",
    "Domain",
    "MeasuredRates",
    "TextFilter",
    "Words",
    "domain_names",
    "load_domain",
    "published_choice",
    "read_prompts",
    "vouched",
]
