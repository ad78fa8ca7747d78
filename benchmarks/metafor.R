# Times metafor on the data sets of a CSV file and writes its results: metafor.R DATA RESULTS METHOD
suppressMessages(library(metafor))
files <- commandArgs(trailingOnly = TRUE)
data <- as.matrix(read.csv(files[1]))
k <- ncol(data) / 2
fit <- function(row, ...) tryCatch(
  rma(row[1:k], row[k + 1:k], method = files[3], test = "adhoc", ...), error = function(e) NULL)
seconds <- system.time(for (i in seq_len(nrow(data))) fit(data[i, ]))[["elapsed"]]
tight <- function(row) list(threshold = 1e-11 * mean(row[k + 1:k]), maxiter = 10000, stepadj = 0.5,
                            tol = 1e-14)
values <- t(apply(data, 1, function(row) {
  r <- fit(row, control = tight(row))
  if (is.null(r)) c(NA, NA, NA) else c(r$beta[1], r$ci.lb, r$ci.ub)
}))
write.table(cbind(seconds, values), files[2], sep = ",", row.names = FALSE,
            col.names = c("seconds", "estimate", "ci_low", "ci_high"))
