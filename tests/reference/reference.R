# Reference values from metafor. Run by `make reference`; the tests read the JSON only.
suppressMessages({library(metafor); library(jsonlite)})
options(digits = 17)
here <- dirname(sub("--file=", "", grep("--file=", commandArgs(), value = TRUE)))
tight <- function(e) list(threshold = 1e-11 * mean(e$vi, na.rm = TRUE), maxiter = 10000,
                          stepadj = 0.5, tol = 1e-14)

continuous <- function(d) data.frame(study = seq_len(nrow(d)), n1 = d$n1i, m1 = d$m1i, sd1 = d$sd1i,
                                     n2 = d$n2i, m2 = d$m2i, sd2 = d$sd2i)
counts <- function(a, n1, c, n2) data.frame(study = seq_along(a), e1 = a, n1 = n1, e2 = c, n2 = n2)
ready <- function(d) data.frame(study = seq_len(nrow(d)), yi = c(d$yi), vi = c(d$vi))

b <- dat.bcg
g <- dat.gibson2002[!is.na(dat.gibson2002$m1i), ]
p <- dat.yusuf1985[!is.na(dat.yusuf1985$ai), ]
t6 <- p[p$table == "6", ]
t9 <- p[p$table == "9", ]
inputs <- list(
  normand1999 = continuous(dat.normand1999),
  gibson2002 = continuous(g),
  bcg = counts(b$tpos, b$tpos + b$tneg, b$cpos, b$cpos + b$cneg),
  yusuf1985_6 = counts(t6$ai, t6$n1i, t6$ci, t6$n2i),
  yusuf1985_9 = counts(t9$ai, t9$n1i, t9$ci, t9$n2i),
  nielweise2007 = with(dat.nielweise2007, counts(ai, n1i, ci, n2i)),
  hackshaw1998 = ready(dat.hackshaw1998),
  raudenbush1985 = ready(dat.raudenbush1985),
  bangertdrowns2004 = ready(dat.bangertdrowns2004),
  raudenbush_two = ready(dat.raudenbush1985[4:5, ]),
  raudenbush_three = ready(dat.raudenbush1985[c(1, 4, 10), ])
)

effects <- function(d, measure) {
  if (measure == "GEN") return(d[, c("yi", "vi")])
  if (measure %in% c("MD", "SMD"))
    e <- escalc(measure, m1i = m1, sd1i = sd1, n1i = n1, m2i = m2, sd2i = sd2, n2i = n2, data = d)
  else
    e <- escalc(measure, ai = e1, n1i = n1, ci = e2, n2i = n2, data = d, drop00 = measure != "RD")
  data.frame(yi = c(e$yi), vi = e$vi)
}

fits <- function(e, method) {
  run <- function(test) rma(yi, vi, data = e, method = method, test = test, control = tight(e))
  row <- function(test) {
    r <- run(test)
    out <- list(estimate = r$beta[1], se = r$se, ci_low = r$ci.lb, ci_high = r$ci.ub,
                p_value = r$pval)
    if (method != "FE" && r$k > 2) {
      half <- qt(.975, r$k - 1) * sqrt(r$tau2 + r$se^2)  # our t(k - 1) for each rule
      out$pi_low <- r$beta[1] - half
      out$pi_high <- r$beta[1] + half
      if (test != "z") {  # and metafor's own under t
        pr <- predict(r)
        stopifnot(abs(pr$pi.lb - out$pi_low) < 1e-9, abs(pr$pi.ub - out$pi_high) < 1e-9)
      }
    }
    out
  }
  r <- run("z")
  out <- list(k = r$k, tau2 = r$tau2, i2 = r$I2, q = r$QE, q_p_value = r$QEp,
              weights = as.vector(weights(r)),
              wald = row("z"), hartung_knapp = row("knha"), hartung_knapp_floored = row("adhoc"))
  if (method != "FE") {
    ci <- confint(r, control = list(tol = 1e-14, maxiter = 10000, tau2.max = 1e7))$random["tau^2", ]
    out$tau2_ci_low <- ci[["ci.lb"]]
    out$tau2_ci_high <- ci[["ci.ub"]]
  }
  out
}

measures <- function(d) if ("m1" %in% names(d)) c("MD", "SMD") else if ("e1" %in% names(d))
  c("RR", "OR", "RD") else "GEN"

cases <- list()
for (name in names(inputs)) for (measure in measures(inputs[[name]])) {
  d <- inputs[[name]]
  e <- effects(d, measure)
  case <- list(data = name, measure = measure, yi = e$yi, vi = e$vi, fits = list())
  kept <- e[!is.na(e$yi), ]
  for (method in c("REML", "DL", "PM", "HE", "FE")) case$fits[[method]] <- fits(kept, method)
  reml <- rma(yi, vi, data = kept, test = "adhoc", control = tight(kept))
  if (reml$k > 2) {
    l <- leave1out(reml)
    case$leave_one_out <- list(estimate = l$estimate, se = l$se, ci_low = l$ci.lb,
                               ci_high = l$ci.ub, p_value = l$pval, tau2 = l$tau2)
    m <- cumul(reml, order = seq_len(reml$k))
    case$cumulative <- list(estimate = m$estimate[-1], se = m$se[-1], tau2 = m$tau2[-1])
  }
  cases[[length(cases) + 1]] <- case
}

# How far metafor's default convergence threshold lets its own results lie from the tight ones.
loose <- sapply(cases, function(case) {
  r <- rma(case$yi, case$vi)
  t <- case$fits$REML
  c(tau2 = abs(r$tau2 / t$tau2 - 1), estimate = abs(r$beta[1] / t$wald$estimate - 1),
    se = abs(r$se / t$wald$se - 1))
})
message("metafor with default threshold, largest relative distance:")
message(paste(capture.output(print(apply(loose, 1, max, na.rm = TRUE))), collapse = "\n"))

line <- function(object) toJSON(object, digits = I(15), auto_unbox = TRUE, na = "null")
write_lines <- function(name, opening, items)  # one item a line, so that changes can be read
  writeLines(c(opening, paste0(items, c(rep(",", length(items) - 1), "")),
               if (startsWith(opening[1], "{\"v")) "]}" else "}"), file.path(here, name))
versions <- list(R = as.character(getRversion()), metafor = as.character(packageVersion("metafor")),
                 metadat = as.character(packageVersion("metadat")))
write_lines("inputs.json", "{", paste0('"', names(inputs), '": ', sapply(inputs, line)))
write_lines("expected.json", paste0('{"versions": ', line(versions), ', "cases": ['),
            sapply(cases, line))
