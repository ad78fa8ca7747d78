"""Codes that tables hold for measures, estimators and intervals, and the words for each of them."""

ARMS = ("intervention", "control")
Z95 = 1.959963984540054  # quantile behind a 95 % interval

MEASURE_WORDS = {
    "MD": "Mean difference",
    "SMD": "Standardised mean difference",
    "RR": "Risk ratio",
    "OR": "Odds ratio",
    "RD": "Risk difference",
    "HR": "Hazard ratio",
    "IRR": "Rate ratio",
    "PROP": "Proportion",
    "COR": "Correlation",
    "GEN": "Effect",
}
MEASURES = tuple(MEASURE_WORDS)
RATIOS = ("RR", "OR", "HR", "IRR")
COUNTED = ("RR", "OR", "RD", "IRR")  # measures that counts of two arms give
REPORTED_AS = {  # effect_measure of an effect that is pooled as this measure
    "MD": "mean_difference",
    "SMD": "standardised_mean_difference",
    "RR": "risk_ratio",
    "OR": "odds_ratio",
    "RD": "risk_difference",
    "HR": "hazard_ratio",
    "IRR": "rate_ratio",
    "PROP": "proportion",
    "COR": "correlation",
}
RATIO_KINDS = (*(REPORTED_AS[measure] for measure in RATIOS), "incidence_rate_ratio")
MEAN_KINDS = ("mean_difference", "standardised_mean_difference")

ESTIMATORS = {
    "REML": "REML",
    "DL": "DerSimonian-Laird",
    "PM": "Paule-Mandel",
    "HE": "Hedges",
    "FE": "Common effect",
}
METHOD_WORDS = {code: f"random effects, {name}" for code, name in ESTIMATORS.items()} | {
    "FE": "common effect, inverse variance"}  # fmt: skip
POOLING_WORDS = {
    "mantel_haenszel": "common effect, Mantel-Haenszel",
    "peto": "common effect, Peto",
}
RULES = {
    "wald": "Wald",
    "hartung_knapp": "Hartung-Knapp",
    "hartung_knapp_floored": "Hartung-Knapp, floored",
}
RULE_WORDS = {
    "wald": "Wald interval",
    "hartung_knapp": "Hartung-Knapp interval",
    "hartung_knapp_floored": "floored Hartung-Knapp interval",
}
