# Reference values for factorial designs, phases of training, three groups and practice hours, from R.
#
#   Rscript factorial.R        (in this folder; R 4.2.2, Debian 12 packages; versions are in factorial_versions.txt)
#
# Writes factorial_values.csv (simulated, fixed seed), factorial.csv (one number per line) and factorial_versions.txt.
suppressMessages({ library(afex); library(sandwich) })
RNGkind("Mersenne-Twister", "Inversion", "Rejection")
set.seed(20260214)
options(digits = 15, contrasts = c("contr.treatment", "contr.poly"))
afex_options(type = 3)

rows <- list()
put <- function(dataset, what, term, ...) { v <- list(...)
  for (field in names(v)) rows[[length(rows) + 1]] <<- data.frame(dataset, what, term, field, value = sprintf("%.12g", as.numeric(v[[field]]))) }

# ---- data: cells of state x valence (x session), correlated and of unequal variance within subjects --------------
people <- function(dataset, n, sessions) {
  cells <- expand.grid(valence = c("neg", "pos", "neu"), state = c("med", "rest"), session = sessions, stringsAsFactors = FALSE)
  k <- nrow(cells); id <- 0; out <- list()
  for (g in names(n)) for (i in seq_len(n[[g]])) {
    id <- id + 1; trait <- rnorm(1)
    shift <- 0.8 * (cells$state == "med") * (cells$valence == "neg") * (g == names(n)[1]) + 0.4 * (cells$session == "post") * (g == names(n)[1])
    value <- trait + shift + rnorm(k) * (0.5 + 0.5 * (cells$valence == "neg") + 0.7 * (cells$state == "med")) * (1 + (g == names(n)[1]))
    out[[id]] <- data.frame(dataset, subject = sprintf("%02d", id), group = g, cells, value = round(value, 6))
  }
  do.call(rbind, out)
}
data <- rbind(people("one", list(A = 11), "n/a"), people("balanced", list(A = 10, B = 10), "n/a"),
              people("unbalanced", list(A = 7, B = 14), "n/a"), people("three", list(A = 6, C = 9, B = 11), "n/a"),
              people("sessions", list(A = 8, B = 12), c("pre", "post")))
write.csv(data, "factorial_values.csv", row.names = FALSE, quote = FALSE)

# ---- mixed analysis of variance ----------------------------------------------------------------------------------
# effectsize 0.8.3 searches the noncentrality with optim, which once stops far from it (F = 0.7166 of 2 and 36); this is R's pf
ncp <- function(f, a, b, q) if (pf(f, a, b) <= q) 0 else uniroot(function(l) pf(f, a, b, l) - q, c(0, 500), tol = 1e-13)$root
welch <- function(x) c(mean = mean(x), v = var(x) / length(x), n = length(x))
for (name in unique(data$dataset)) {
  d <- data[data$dataset == name, ]
  for (column in c("state", "valence", "session")) d[[column]] <- factor(d[[column]], levels = unique(d[[column]]))
  within <- c("state", "valence", if (nlevels(d$session) > 1) "session")
  between <- if (length(unique(d$group)) > 1) "group"
  fit <- suppressMessages(aov_ez("subject", "value", d, between = between, within = within))
  none <- anova(fit, correction = "none", es = "pes"); gg <- anova(fit, correction = "GG", es = "pes")
  epsilon <- summary(fit)$pval.adjustments
  for (term in rownames(none)) {
    b <- none[term, "den Df"]; l <- sapply(c(.95, .05), function(q) ncp(none[term, "F"], none[term, "num Df"], b, q))
    eps <- if (!is.null(epsilon) && term %in% rownames(epsilon)) epsilon[term, "GG eps"] else 1
    put(name, "anova", term, statistic = none[term, "F"], df1 = none[term, "num Df"], df2 = none[term, "den Df"],
        p_sphericity = none[term, "Pr(>F)"], p = gg[term, "Pr(>F)"], gg_epsilon = eps,
        effect_size = gg[term, "pes"], es_ci_low = l[1] / (l[1] + b), es_ci_high = l[2] / (l[2] + b))
  }
  # one degree of freedom: the subject's own difference, Welch between groups, its mean over groups, each group alone
  w <- aggregate(value ~ subject + group, d[d$state == "med", ], mean); r <- aggregate(value ~ subject + group, d[d$state == "rest", ], mean)
  stopifnot(identical(w$subject, r$subject)); w$z <- w$value - r$value
  put_t <- function(term, t) put(name, "robust", term, estimate = if (length(t$estimate) == 2) t$estimate[1] - t$estimate[2] else t$estimate,
                                 se = t$stderr, df2 = t$parameter, statistic = t$statistic, p = t$p.value, ci_low = t$conf.int[1], ci_high = t$conf.int[2])
  groups <- unique(d$group)
  for (g in groups) put_t(paste0("state within ", g), t.test(w$z[w$group == g]))
  if (length(groups) > 1) {
    for (g in setdiff(groups, "B")) put_t(paste0("group:state ", g, "-B"), t.test(w$z[w$group == g], w$z[w$group == "B"]))
    m <- sapply(split(w$z, w$group), welch); k <- ncol(m); se <- sqrt(sum(m["v", ])) / k; est <- mean(m["mean", ])
    df <- sum(m["v", ])^2 / sum(m["v", ]^2 / (m["n", ] - 1)); half <- qt(.975, df) * se
    put(name, "robust", "state", estimate = est, se = se, df2 = df, statistic = est / se, p = 2 * pt(-abs(est / se), df), ci_low = est - half, ci_high = est + half)
  }
  if (length(groups) > 2) { o <- oneway.test(z ~ group, w); put(name, "robust", "group:state", statistic = o$statistic, df1 = o$parameter[1], df2 = o$parameter[2], p = o$p.value) }
}
write.csv(do.call(rbind, rows), "factorial.csv", row.names = FALSE, quote = FALSE)
writeLines(c(R.version.string, sapply(c("afex", "car", "sandwich"), function(p) paste(p, packageVersion(p)))), "factorial_versions.txt")
