"""Where in a run directory the stages leave what others read."""

from __future__ import annotations

COUNTS, SCORES, THRESHOLD, REPORT = "counts.csv", "scores.csv", "threshold.json", "report.html"
CONCEPTS = "count/concepts.csv"
MENTIONS, SAMPLE = "count/mentions.csv", "count/mentions.sample.parquet"
GENERATED, REFERENCE = "embed/generated.parquet", "embed/reference.parquet"
TRAINING = "verify/vectors/training.parquet"
VERIFIED = "verify/verified.parquet"
SUMMARY, PROMPT_SCORES = "score/summary.json", "score/prompts.csv"
DEVIATIONS = "threshold/deviations.json"
GENERATION = "generate/generation.json"
FETCHED = "fetch"
DOMAIN = "domain.yaml"
FUNNEL = "verify/funnel.json"
UNNAMED = "captionless.csv"
