"""One module per kind of figure; `KINDS` lists those that figures.csv may name."""

KINDS = (
    "landscape", "changes", "forest_page", "multiverse", "event_forest", "timecourse",
    "claims_audit", "timeline", "threshold", "mechanism_map", "published", "ladder",
    "directions", "risk_of_bias", "gap_map", "study_flow", "information_size", "new_trial",
    "concentrations", "analytes", "markers",
)
