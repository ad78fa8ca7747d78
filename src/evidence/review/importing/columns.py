"""What the columns of other programs are called here.

Names of metafor, meta, dmetar, MetaInsight, JASP, Stata and RevMan are known, and words for arm and
number in either order ("Mean treatment", "n_ctrl"). A name that two programs use differently is
read by the company it keeps.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from evidence.review.vocabulary import ARMS

SETS: tuple[Mapping[str, str], ...] = (
    {"t": "arm", "r": "group_events", "n": "group_n"},
    {"t": "arm", "mean": "group_mean", "sd": "group_sd", "n": "group_n"},
    {"treatment": "arm", "mean": "group_mean", "sd": "group_sd", "n": "group_n"},
    {"treatment": "arm", "events": "group_events", "n": "group_n"},
    {"treatment": "arm", "responders": "group_events", "samplesize": "group_n"},
    {"ai": "intervention_events", "bi": "intervention_nonevents",
     "ci": "control_events", "di": "control_nonevents"},
    {"ai": "intervention_events", "n1i": "intervention_n", "ci": "control_events",
     "n2i": "control_n"},
    {"tpos": "intervention_events", "tneg": "intervention_nonevents",
     "cpos": "control_events", "cneg": "control_nonevents"},
    {"x1i": "intervention_events", "t1i": "intervention_time", "x2i": "control_events",
     "t2i": "control_time"},
    {"me": "intervention_mean", "se": "intervention_sd", "mc": "control_mean",
     "sc": "control_sd"},
    {"a": "intervention_events", "b": "intervention_nonevents", "c": "control_events",
     "d": "control_nonevents"},
    {"r1": "intervention_events", "n1": "intervention_n", "r2": "control_events",
     "n2": "control_n"},
    {"x1": "intervention_events", "n1": "intervention_n", "x2": "control_events",
     "n2": "control_n"},
    {"m1": "intervention_mean", "sd1": "intervention_sd", "n1": "intervention_n",
     "m2": "control_mean", "sd2": "control_sd", "n2": "control_n"},
    {"m1": "intervention_mean", "s1": "intervention_sd", "m2": "control_mean",
     "s2": "control_sd"},
    {"y1": "intervention_mean", "sd1": "intervention_sd", "y2": "control_mean",
     "sd2": "control_sd"},
    {"ri": "correlation_effect", "ni": "group_n"},
    {"r": "correlation_effect", "n": "group_n"},
    {"cor": "correlation_effect", "n": "group_n"},
    {"xi": "group_events", "ni": "group_n"},
    {"xi": "group_events", "mi": "group_nonevents"},
)  # fmt: skip
ALIASES = {
    "study": "study studlab slab studylabel studyname studyid trialname trialid trial citation"
             " reference source paper publication studie studien studienname etude étude estudio"
             " studio badanie onderzoek labels label studyauthor authoryear authorsyear",
    "author": "author authors firstauthor autor auteur autore autoren erstautor leadauthor",
    "year": "year pubyear publicationyear studyyear yearofpublication yearofstudy yr jahr année"
            " annee año ano anno jaar rok publicationdate",
    "subgroup": "subgroup subgroupwithinstudy subgroups subgroupname subgruppe sousgroupe",
    "outcome": "outcome outcomename endpoint endpunkt analysisname critère",
    "effect": "yi te es effect effectsize effsize estimate pointestimate coef coefficient theta"
              " effekt effektstärke effektgröße metaes statistic lnes",
    "effect_var": "vi var variance sampvar samplingvariance varianz v tevar vares esvar",
    "effect_se": "se sei sete stderr standarderror seyi sees seeffect tese esse metase"
                 " standardfehler effectse sete stderror standarderroroftheeffectsize",
    "effect_ci_low": "lower ll lb lcl lci cilow cilower cilb lowerci lowerlimit cill low95 l95"
                     " lower95ci lower95 ci95low ci95lower 95cilower 95cilow 95lower lowerbound"
                     " lo cistart effectcilow cil lowercl untergrenze lowerconfidencelimit 95ll"
                     " 95cill lcl95 lci95 ll95 lowerte telower metacil",
    "effect_ci_high": "upper ul ub ucl uci cihigh ciupper ciub upperci upperlimit ciul high95 u95"
                      " upper95ci upper95 ci95high ci95upper 95ciupper 95cihigh 95upper upperbound"
                      " hi ciend effectcihigh ciu uppercl obergrenze upperconfidencelimit 95ul"
                      " 95ciul ucl95 uci95 ul95 upperte teupper metaciu",
    "effect_ci": "ci 95ci ci95 confidenceinterval 95confidenceinterval konfidenzintervall 95ki",
    "p_value": "p pval pvalue pwert pval2",
    "group_events": "event events xi cases positives",
    "group_nonevents": "nonevents nonevent",
    "group_n": "n ni total samplesize ntotal totaln",
    "correlation_effect": "cor corr pearsonr rxy",
    "arm": "arm treatmentarm armname",
    "arm1": "t1 treat1 treatment1 arm1", "arm2": "t2 treat2 treatment2 arm2",
    "arm3": "t3 treat3 treatment3 arm3",
}  # fmt: skip
KNOWN = {name: target for target, names in ALIASES.items() for name in names.split()}
KNOWN |= {  # whole names that words would read wrongly
    "n1i": "intervention_n", "n2i": "control_n", "m1i": "intervention_mean",
    "m2i": "control_mean", "sd1i": "intervention_sd", "sd2i": "control_sd",
    "c1i": "control_events", "ne": "intervention_n", "nc": "control_n",
    "me": "intervention_mean", "mc": "control_mean", "sde": "intervention_sd",
    "sdc": "control_sd",
}  # fmt: skip
MEASURE_NAMES = {
    "RR": "rr riskratio relativerisk relrisk relativesrisiko", "OR": "or oddsratio odds",
    "HR": "hr hazardratio hazard", "IRR": "irr rateratio incidencerateratio",
    "RD": "rd riskdifference ard absoluteriskdifference",
    "MD": "md meandifference meandiff wmd diffinmeans differenceinmeans",
    "SMD": "smd stdmeandifference stdmeandiff standardizedmeandifference cohensd cohend hedgesg g d"
           " standardisedmeandifference stddiffinmeans hedges",
}  # fmt: skip
MEASURES = {name: code for code, names in MEASURE_NAMES.items() for name in names.split()}
LONGEST = 150  # signs of the name of a column
LOG = re.compile(r"^(?:log|ln)")
PARTS = {
    "events": "event events cases case r x responders responder evts evt deaths dead positive"
              " positives eventi ereignisse ereignis événements evenements eventos nevents ev",
    "n": "n total tot sample size patients participants subjects randomised randomized number"
         " people fälle personen effectif ss nobs ntotal",
    "mean": "mean means m avg average moyenne media mittelwert mw xbar mittel",
    "sd": "sd std stdev stddev s deviation standardabweichung sdev écarttype ecarttype et",
    "se": "se sem stderr fehler",
    "time": "time persontime py personyears pyears follow exposuretime",
    "nonevents": "nonevents nonevent noevents noevent negative",
}  # fmt: skip
ARM_WORDS = {
    "intervention": "e exp experimental t trt treat treatment treated tx intervention int active"
                    " drug 1 exposed experiment exper versuchsgruppe intervencion i verum"
                    " interventionsgruppe traitement therapy ig eg tg e1 t1",
    "control": "c ctrl control ctl con cont placebo pbo plac plc comparator comparison 2 0"
               " usual sham reference ref unexposed kontrolle kontrollgruppe contrôle contrôles"
               " kontroll cg pg controls controle témoin standard",
}  # fmt: skip
_INTERVAL = ("ci ki ic bi ci95 ki95 ic95 confidence confiance confianza konfidenzintervall"
             " vertrauensintervall")
_SIDES = {
    "effect_ci_low": "lower low untere unterer untergrenze unten inférieure inférieur inferieure"
                     " inferieur inferior inferiore inf lo ll lcl lci onder ondergrens",
    "effect_ci_high": "upper high obere oberer obergrenze oben supérieure supérieur superieure"
                      " superieur superior superiore sup hi ul ucl uci boven bovengrens",
}
_LIMIT = "95 interval intervalle intervallo intervalo limit limite limits bound grenze cl cl95"
INTERVAL = frozenset(_INTERVAL.split())
LIMIT = INTERVAL | frozenset(_LIMIT.split())
SIDES = {word: target for target, words in _SIDES.items() for word in words.split()}
_UNSAID = ("of no num the group arm in at with and for count grp a value values gruppe der"
           " nb nombre anzahl de per")
IGNORED = frozenset(_UNSAID.split())  # fmt: skip
JOINT = {  # words that are one
    "standard deviation": "sd", "std dev": "sd", "standard error": "se", "person years":
    "personyears", "person time": "persontime", "no events": "noevents", "non events": "nonevents",
    "sample size": "n", "usual care": "usual", "mean change": "mean", "sd change": "sd",
}  # fmt: skip
_PART = {word: part for part, words in PARTS.items() for word in words.split()}
_ARM = {word: arm for arm, words in ARM_WORDS.items() for word in words.split()}
OURS = frozenset(
    [f"{arm}_{part}" for arm in ARMS for part in
     ("n", "events", "mean", "sd", "se", "time", "nonevents", "baseline_mean", "baseline_sd",
      "change", "pct")]
    + ["effect", "effect_se", "effect_var", "effect_ci_low", "effect_ci_high", "effect_ci",
       "p_value", "effect_measure", "study", "author", "year", "outcome", "subgroup"]
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a column holds; `measure` and `is_log` where its name says so of an effect."""

    target: str
    measure: str = ""
    is_log: bool = False


def squeezed(header: str) -> str:
    """A column name in small letters without spaces and signs.

    Examples
    --------
    >>> squeezed("n.e"), squeezed("95% CI lower")
    ('ne', '95cilower')
    """
    return re.sub(r"[\W_]+", "", header.lower())


def meanings(headers: Sequence[str], ours: Collection[str] = ()) -> dict[int, Meaning]:
    """Meaning of each column by its position; columns of one's own have none.

    Parameters
    ----------
    headers : sequence of str
    ours : collection of str
        Columns that outcomes.csv knows, taken as they are where a table is spelt as ours.

    Returns
    -------
    dict
        No target stands twice: the first column of a meaning has it.
    """
    headers = [header if len(header) <= LONGEST else "" for header in headers]
    bare = [squeezed(header) for header in headers]
    snakes = [re.sub(r"[\s-]+", "_", header.strip().lower()) for header in headers]
    if not any(name == "outcome_id" or name.startswith(("intervention_", "control_", "effect_"))
               for name in snakes):  # fmt: skip
        ours = ()  # a table of another program: its "source" or "domain" is not ours
    found: dict[int, Meaning] = {}
    for wanted in SETS:
        positions = {name: bare.index(name) for name in wanted if name in bare}
        if len(positions) < len(wanted) or any(at in found for at in positions.values()):
            continue
        if {"a", "b"} <= set(wanted) and any(len(name) == 1 for name in bare if name not in wanted):
            continue
        found |= {at: Meaning(wanted[name]) for name, at in positions.items()}
    taken = {meaning.target for meaning in found.values()}
    for position, header in enumerate(headers):
        if position in found or not header.strip():
            continue
        snake = snakes[position]
        meaning = Meaning(snake) if snake in ours or snake in OURS else meaning_of(header)
        if meaning and meaning.target not in taken:
            found[position] = meaning
            taken.add(meaning.target)
    return found | _other_arm(headers, found)


def _other_arm(headers: Sequence[str], found: Mapping[int, Meaning]) -> dict[int, Meaning]:
    """Columns of an arm that is called by its drug: the other arm's names but for one word."""
    for arm, other in (("control", "intervention"), ("intervention", "control")):
        columns = {at: meaning.target.removeprefix(f"{arm}_") for at, meaning in found.items()
                   if meaning.target.startswith(f"{arm}_")}  # fmt: skip
        if len(columns) < 2 or any(m.target.startswith(f"{other}_") for m in found.values()):
            continue
        names: dict[str, dict[int, Meaning]] = {}
        for at, part in columns.items():
            words = _words(headers[at])
            for position, word in enumerate(words):
                if _ARM.get(word) != arm:
                    continue
                for free, header in enumerate(headers):
                    theirs = _words(header)
                    if free not in found and len(theirs) == len(words) and all(
                        a == b or n == position
                        for n, (a, b) in enumerate(zip(words, theirs, strict=True))
                    ):
                        names.setdefault(theirs[position], {})[free] = Meaning(f"{other}_{part}")
        whole = [pairs for pairs in names.values() if len(pairs) == len(columns)]
        if len(whole) == 1:
            return whole[0]
    return {}


def _words(header: str) -> list[str]:
    spaced = re.sub(r"(?<=[a-zà-ÿ])(?=[A-Z0-9])|(?<=\d)(?=[A-Za-z])", " ", header.strip())
    return [word for word in re.split(r"[\W_]+", spaced.lower()) if word]


def meaning_of(header: str) -> Meaning | None:
    """Meaning of one column name by itself.

    Examples
    --------
    >>> meaning_of("Mean (treatment)").target, meaning_of("n_ctrl").target
    ('intervention_mean', 'control_n')
    >>> meaning_of("logHR"), meaning_of("age_group")
    (Meaning(target='effect', measure='HR', is_log=True), None)
    """
    name = squeezed(header)
    if name in KNOWN:
        return Meaning(KNOWN[name])
    return _effect(name) or _limits(header) or _arm_part(header)


def _limits(header: str) -> Meaning | None:
    """Limits of an interval of 95 %, or both beside their effect: ``HR (95% CI)``."""
    words = _words(header)
    sides = {SIDES[word] for word in words if word in SIDES}
    said = LIMIT.intersection(words) if sides else INTERVAL.intersection(words)
    rest = "".join(word for word in words
                   if word not in SIDES and word not in LIMIT and word not in ("de", "of", "the"))
    bare = LOG.sub("", rest)
    measure = MEASURES.get(bare, "")
    if not said or len(sides) > 1 or not (measure or not rest or KNOWN.get(rest) == "effect"):
        return None
    return Meaning(*sides or ("effect_ci",), measure, bool(measure) and bare != rest)


def _effect(name: str) -> Meaning | None:
    """An effect, standard error or limit whose name says of which measure."""
    bare = LOG.sub("", name)
    if bare in MEASURES:
        return Meaning("effect", MEASURES[bare], bare != name)
    for word, target in (("se", "effect_se"), ("stderr", "effect_se"), ("var", "effect_var"),
                         ("v", "effect_var")):  # fmt: skip
        for rest in (name.removeprefix(word), name.removesuffix(word)):
            bare = LOG.sub("", rest)
            if rest != name and bare in MEASURES and (bare != rest or len(word) > 1):
                return Meaning(target, MEASURES[bare], bare != rest)
    for target in ("effect_ci_low", "effect_ci_high"):
        for word in ALIASES[target].split():
            for rest in (name.removeprefix(word), name.removesuffix(word)):
                bare = LOG.sub("", rest)
                if rest != name and bare in MEASURES and len(word) > 1:
                    return Meaning(target, MEASURES[bare], bare != rest)
    return None


def _arm_part(header: str) -> Meaning | None:
    """An arm and a number of it, in either order; every word of the name must be understood."""
    text = " ".join(_words(header))
    for said, word in JOINT.items():
        text = text.replace(said, word)
    words = text.split()
    parts, arms = [], []
    for word in words:
        if word in _ARM and not (word in _PART and not parts and len(words) == 1):
            arms.append(_ARM[word])
        elif word in _PART:
            parts.append(_PART[word])
        elif word not in IGNORED:
            return None
    parts = list(dict.fromkeys(parts))
    if "n" in parts and len(parts) == 2:  # "n events", "number of cases"
        parts.remove("n")
    if sorted(parts) in (["mean", "sd"], ["mean", "se"]):
        parts = ["_".join(sorted(parts))]
    if len(parts) != 1 or len(set(arms)) != 1:
        return None
    return Meaning(f"{arms[0]}_{parts[0]}")
