# Reference values from metafor for what reviews ask beside plain pools: Mantel-Haenszel and Peto,
# subgroups, meta-regression, Egger's test, hazard ratios, rates, proportions, correlations.
# Run by `make reference`; the tests read analyses.json only.
suppressMessages({library(metafor); library(jsonlite)})
options(digits = 17)
here <- dirname(sub("--file=", "", grep("--file=", commandArgs(), value = TRUE)))
tight <- function(vi) list(threshold = 1e-11 * mean(vi), maxiter = 10000, stepadj = 0.5, tol = 1e-14)
plain <- function(d) {  # columns as bare vectors, without escalc's attributes
  d <- as.data.frame(d)
  d[] <- lapply(d, function(x) if (is.factor(x)) as.character(x) else as.vector(x))
  d
}
pool <- function(e, method = "REML", test = "adhoc") {
  r <- rma(e$yi, e$vi, method = method, test = if (nrow(e) > 1) test else "z",
           control = if (nrow(e) > 1) tight(e$vi) else list())
  list(k = r$k, estimate = r$beta[1], se = r$se, ci_low = r$ci.lb, ci_high = r$ci.ub,
       p_value = r$pval, tau2 = r$tau2, i2 = r$I2, q = r$QE)
}

counts <- function(a, n1, c, n2) data.frame(e1 = a, n1 = n1, e2 = c, n2 = n2)
b <- dat.bcg
y <- dat.yusuf1985[!is.na(dat.yusuf1985$ai), ]
yusuf <- function(t) with(y[y$table == t, ], counts(ai, n1i, ci, n2i))
l <- dat.landenberger2005
tables <- list(
  bcg = counts(b$tpos, b$tpos + b$tneg, b$cpos, b$cpos + b$cneg),
  yusuf1985_6 = yusuf("6"), yusuf1985_9 = yusuf("9"), yusuf1985_10 = yusuf("10"),
  nielweise2007 = with(dat.nielweise2007, counts(ai, n1i, ci, n2i)),
  landenberger2005 = with(l, counts(n.cbt.non, n.cbt.non + n.cbt.rec, n.ctrl.non,
                                    n.ctrl.non + n.ctrl.rec)),
  two = with(dat.nielweise2007[c(1, 4), ], counts(ai, n1i, ci, n2i)),
  all_of_one_arm = counts(c(5, 3, 0), c(5, 10, 8), c(4, 3, 2), c(4, 12, 9)))
out <- list()
add <- function(...) out[[length(out) + 1]] <<- list(...)
summary_of <- function(r, with_weights = TRUE)
  list(estimate = r$beta[1], se = r$se, ci_low = r$ci.lb, ci_high = r$ci.ub, p_value = r$pval,
       q = r$QE, i2 = r$I2, weights = if (with_weights) as.vector(weights(r)))
for (name in names(tables)) {
  d <- tables[[name]]
  for (m in c("RR", "OR", "RD"))
    add(kind = "mantel_haenszel", data = name, measure = m, rows = d, pool =
          summary_of(rma.mh(measure = m, ai = e1, n1i = n1, ci = e2, n2i = n2, data = d), m == "RD"))
  add(kind = "peto", data = name, measure = "OR", rows = d, pool =
        summary_of(rma.peto(ai = e1, n1i = n1, ci = e2, n2i = n2, data = d), FALSE))
}

# Rates: events and person-time. The third has empty cells.
n <- dat.nielweise2008
h <- dat.hart1999
rates <- list(
  nielweise2008 = with(n, data.frame(e1 = x1i, t1 = t1i, e2 = x2i, t2 = t2i)),
  hart1999 = with(h, data.frame(e1 = x1i, t1 = t1i, e2 = x2i, t2 = t2i)),
  two = with(n[1:2, ], data.frame(e1 = x1i, t1 = t1i, e2 = x2i, t2 = t2i)))
for (name in names(rates)) {
  d <- rates[[name]]
  e <- escalc("IRR", x1i = e1, t1i = t1, x2i = e2, t2i = t2, data = d)
  add(kind = "effects", data = name, measure = "IRR", rows = d, yi = c(e$yi), vi = e$vi,
      pool = pool(plain(e)))
  add(kind = "mantel_haenszel", data = name, measure = "IRR", rows = d, pool = summary_of(
    rma.mh(measure = "IRR", x1i = e1, t1i = t1, x2i = e2, t2i = t2, data = d), FALSE))
}

# Proportions, with nobody and everybody (made up); correlations, 160 of them among others.
shares <- list(
  pritz1997 = with(dat.pritz1997, data.frame(e1 = xi, n1 = ni)),
  made_sparse = data.frame(e1 = c(0, 5, 9, 14, 3, 20), n1 = c(12, 40, 9, 60, 35, 21)),
  two = data.frame(e1 = c(0, 3), n1 = c(20, 12)))
for (name in names(shares)) {
  d <- shares[[name]]
  e <- escalc("PLO", xi = e1, ni = n1, data = d)
  add(kind = "effects", data = name, measure = "PROP", rows = d, yi = c(e$yi), vi = e$vi,
      pool = pool(plain(e)))
}
relations <- list(
  mcdaniel1994 = with(dat.mcdaniel1994, data.frame(effect = ri, n1 = ni)),
  molloy2014 = with(dat.molloy2014, data.frame(effect = ri, n1 = ni)),
  two = with(dat.molloy2014[1:2, ], data.frame(effect = ri, n1 = ni)))
for (name in names(relations)) {
  d <- relations[[name]]
  e <- escalc("ZCOR", ri = effect, ni = n1, data = d)
  add(kind = "effects", data = name, measure = "COR", rows = d, yi = c(e$yi), vi = e$vi,
      pool = pool(plain(e)))
}

# Ratios given with limits: made from log hazard ratios and errors, as a report prints them.
lopez <- plain(escalc("RR", ai = tpos, bi = tneg, ci = cpos, di = cneg, data = dat.bcg))
limits <- with(lopez, data.frame(effect = exp(yi), low = exp(yi - qnorm(.975) * sqrt(vi)),
                                 high = exp(yi + qnorm(.975) * sqrt(vi))))
given <- list(bcg = limits, three = data.frame(effect = c(.70, .85, .90), low = c(.50, .70, .60),
                                               high = c(.98, 1.03, 1.35)))
for (name in names(given)) {
  d <- given[[name]]
  e <- data.frame(yi = log(d$effect), vi = ((log(d$high) - log(d$low)) / (2 * qnorm(.975)))^2)
  add(kind = "effects", data = name, measure = "HR", rows = d, yi = e$yi, vi = e$vi, pool = pool(e))
}

# Subgroups: own tau^2 each; test between groups on the estimates and their Wald errors.
bcg <- plain(escalc("RR", ai = tpos, bi = tneg, ci = cpos, di = cneg, data = dat.bcg))
smd <- plain(dat.bangertdrowns2004[!is.na(dat.bangertdrowns2004$meta), ])
rau <- plain(dat.raudenbush1985)
jobs <- plain(escalc("ZCOR", ri = ri, ni = ni, data = dat.mcdaniel1994))
jobs <- jobs[!is.na(jobs$struct) & jobs$struct != "", ]
groups <- list(
  bcg = list("RR", data.frame(yi = bcg$yi, vi = bcg$vi, group = bcg$alloc)),
  bangertdrowns2004 = list("SMD", data.frame(yi = smd$yi, vi = smd$vi, group = paste0("meta", smd$meta))),
  raudenbush1985 = list("SMD", data.frame(yi = rau$yi, vi = rau$vi, group = rau$setting)),
  mcdaniel1994 = list("COR", data.frame(yi = jobs$yi, vi = jobs$vi, group = jobs$struct)),
  with_one = list("MD", data.frame(yi = rau$yi[1:7], vi = rau$vi[1:7],
                                   group = c("a", "a", "b", "b", "b", "b", "single"))))
for (name in names(groups)) for (method in c("REML", "DL", "FE")) {
  d <- groups[[name]][[2]]
  test <- if (method == "FE") "z" else "adhoc"
  parts <- lapply(unique(d$group), function(g) pool(d[d$group == g, ], method, test))
  wald <- lapply(unique(d$group), function(g) pool(d[d$group == g, ], method, "z"))
  between <- rma(sapply(wald, `[[`, "estimate"), sei = sapply(wald, `[[`, "se"), method = "FE")
  add(kind = "subgroups", data = name, measure = groups[[name]][[1]], method = method, rows = d,
      group = unique(d$group), parts = parts, q_between = between$QE, df_between = between$k - 1,
      p_between = between$QEp)
}

# Meta-regression and Egger's test.
bcg$alloc <- as.character(bcg$alloc)
rau$weeks <- as.numeric(as.character(rau$weeks))
models <- list(
  list("bcg", "RR", bcg[, c("yi", "vi", "ablat", "year", "alloc")], "ablat"),
  list("bcg", "RR", bcg[, c("yi", "vi", "ablat", "year", "alloc")], c("ablat", "year")),
  list("bcg", "RR", bcg[, c("yi", "vi", "ablat", "year", "alloc")], c("alloc", "ablat")),
  list("raudenbush1985", "SMD", rau[, c("yi", "vi", "weeks", "setting")], "weeks"),
  list("raudenbush1985", "SMD", rau[, c("yi", "vi", "weeks", "setting")], c("setting", "weeks")),
  list("bangertdrowns2004", "SMD", smd[!is.na(smd$length), c("yi", "vi", "length")], "length"),
  list("mcdaniel1994", "COR", jobs[, c("yi", "vi", "struct")], "struct"))
for (m in models) for (method in c("REML", "DL", "PM", "HE", "FE")) {
  d <- m[[3]]
  r <- rma(yi, vi, mods = reformulate(m[[4]]), data = d, method = method,
           test = if (method == "FE") "z" else "knha", control = tight(d$vi))
  base <- rma(yi, vi, data = d, method = method, control = tight(d$vi))
  add(kind = "regression", data = m[[1]], measure = m[[2]], method = method, rows = d,
      moderators = I(m[[4]]), estimate = as.vector(r$beta), se = r$se, ci_low = r$ci.lb,
      ci_high = r$ci.ub, p_value = r$pval, tau2 = r$tau2, k = r$k,
      r2 = if (method != "FE" && base$tau2 > 0) 100 * max(0, 1 - r$tau2 / base$tau2))
  if (method != "FE" && base$tau2 > 0) stopifnot(abs(r$R2 - 100 * max(0, 1 - r$tau2 / base$tau2)) < 1e-3)
}
hack <- plain(dat.hackshaw1998)
for (d in list(list("bcg", "RR", bcg), list("hackshaw1998", "OR", hack),
               list("bangertdrowns2004", "SMD", smd), list("mcdaniel1994", "COR", jobs))) {
  e <- d[[3]][, c("yi", "vi")]
  r <- regtest(e$yi, e$vi, model = "lm")
  add(kind = "egger", data = d[[1]], measure = d[[2]], rows = e, k = nrow(e), statistic = r$zval,
      df = r$dfs, p_value = r$pval)
}

line <- function(object) toJSON(object, digits = I(15), auto_unbox = TRUE, na = "null", null = "null",
                                dataframe = "columns")
versions <- list(R = as.character(getRversion()), metafor = as.character(packageVersion("metafor")),
                 metadat = as.character(packageVersion("metadat")))
items <- sapply(out, line)
writeLines(c(paste0('{"versions": ', line(versions), ', "cases": ['),
             paste0(items, c(rep(",", length(items) - 1), "")), "]}"), file.path(here, "analyses.json"))
