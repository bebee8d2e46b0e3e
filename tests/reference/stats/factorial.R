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
# ---- phases: empathy from pre to mid, compassion from mid to post -------------------------------------------------
phases <- do.call(rbind, lapply(1:26, function(i) { g <- if (i <= 11) "compassion" else "memory"; pre <- rnorm(1)
  mid <- 0.5 * pre + rnorm(1) * (1 + (g == "memory")) - 0.4 * (g == "compassion"); post <- 0.3 * pre + 0.4 * mid + rnorm(1) + 0.8 * (g == "compassion")
  data.frame(subject = sprintf("%02d", i), group = g, session = c("pre", "mid", "post"), value = round(c(pre, mid, post), 6)) }))
write.csv(phases, "phases_values.csv", row.names = FALSE, quote = FALSE)
p <- reshape(phases, idvar = c("subject", "group"), timevar = "session", direction = "wide"); names(p) <- sub("value[.]", "", names(p))
p$a <- as.numeric(p$group == "compassion")
outcomes <- list("mid-pre" = p$mid - p$pre, "post-mid" = p$post - p$mid, "(post-mid)-(mid-pre)" = (p$post - p$mid) - (p$mid - p$pre))
put_test <- function(what, term, t) put("phases", what, term, estimate = if (length(t$estimate) == 2) t$estimate[1] - t$estimate[2] else t$estimate,
  se = t$stderr, df = t$parameter, statistic = t$statistic, p = t$p.value, ci_low = t$conf.int[1], ci_high = t$conf.int[2])
for (when in names(outcomes)) { z <- outcomes[[when]]; split_ <- split(z, p$group)
  put_test("welch", when, t.test(split_$compassion, split_$memory))
  put_test("classical", when, t.test(split_$compassion, split_$memory, var.equal = TRUE))
  for (g in names(split_)) put_test(paste0("within ", g), when, t.test(split_[[g]])) }
for (when in c("mid-pre", "post-mid")) {
  fit <- if (when == "mid-pre") lm(mid ~ a + pre, p) else lm(post ~ a + mid, p); b <- coef(fit)[["a"]]; n <- df.residual(fit)
  for (kind in c("classical", "hc3")) { se <- sqrt((if (kind == "hc3") vcovHC(fit, type = "HC3") else vcov(fit))["a", "a"])
    put("phases", paste0("ancova ", kind), when, estimate = b, se = se, df = n, statistic = b / se, p = 2 * pt(-abs(b / se), n),
        ci_low = b - qt(.975, n) * se, ci_high = b + qt(.975, n) * se) } }

# ---- three groups of twelve, two sessions, hours of practice -------------------------------------------------------
three <- do.call(rbind, lapply(1:36, function(i) { g <- c("MAT", "CBCT", "control")[(i - 1) %/% 12 + 1]; hours <- if (g == "control") NA else round(runif(1, 5, 40), 1)
  dose <- round(runif(1, 0, 10), 2); pre <- rnorm(1); post <- 0.5 * pre + rnorm(1) + 0.5 * (g == "MAT") + 0.08 * dose * (g == "CBCT")
  data.frame(subject = sprintf("%02d", i), group = g, hours, dose, session = c("pre", "post"), value = round(c(pre, post), 6)) }))
write.csv(three, "three_groups_values.csv", row.names = FALSE, quote = FALSE, na = "n/a")
w <- reshape(three, idvar = "subject", v.names = "value", timevar = "session", direction = "wide"); names(w) <- sub("value[.]", "", names(w))
w$group <- factor(w$group, levels = c("control", "MAT", "CBCT")); w$change <- w$post - w$pre
put_lm <- function(what, fit, name) { s <- summary(fit)$coefficients[name, ]; n <- df.residual(fit)
  put("three groups", what, name, estimate = s[1], se = s[2], df = n, statistic = s[3], p = s[4]) }
put_f <- function(what, small, big) { a <- anova(small, big); put("three groups", what, "omnibus", statistic = a$F[2], df1 = a$Df[2], df = a$Res.Df[2], p = a$`Pr(>F)`[2],
  effect_size = a$F[2] * a$Df[2] / (a$F[2] * a$Df[2] + a$Res.Df[2])) }
put_f("change", lm(change ~ 1, w), lm(change ~ group, w)); put_f("ancova", lm(post ~ pre, w), lm(post ~ pre + group, w))
for (name in c("groupMAT", "groupCBCT")) { put_lm("change", lm(change ~ group, w), name); put_lm("ancova", lm(post ~ pre + group, w), name) }
one <- w[w$group == "MAT", ]; r <- cor.test(one$change, one$hours)
put("three groups", "hours within MAT", "r", r = r$estimate, p = r$p.value, ci_low = r$conf.int[1], ci_high = r$conf.int[2])
put_lm("slope within MAT", lm(change ~ hours, one), "hours"); put_lm("slope over groups", lm(change ~ group + dose, w), "dose")
put_f("moderation", lm(change ~ group + dose, w), lm(change ~ group * dose, w))

# ---- Mascaro: two groups, two sessions: the interaction of the mixed analysis of variance ---------------------------
small <- do.call(rbind, lapply(1:21, function(i) { g <- if (i <= 13) "CBCT" else "control"; pre <- rnorm(1)
  data.frame(subject = sprintf("%02d", i), group = g, session = c("pre", "post"), value = round(c(pre, 0.5 * pre + rnorm(1) + 0.7 * (g == "CBCT")), 6)) }))
write.csv(small, "two_groups_values.csv", row.names = FALSE, quote = FALSE)
fit <- suppressMessages(aov_ez("subject", "value", small, between = "group", within = "session")); a <- anova(fit, es = "pes")["group:session", ]
l <- sapply(c(.95, .05), function(q) ncp(a[["F"]], 1, a[["den Df"]], q))
put("two groups", "mixed_anova", "group:session", statistic = a[["F"]], df = a[["den Df"]], p = a[["Pr(>F)"]], effect_size = a[["pes"]],
    es_ci_low = l[1] / (l[1] + a[["den Df"]]), es_ci_high = l[2] / (l[2] + a[["den Df"]]))

write.csv(do.call(rbind, rows), "factorial.csv", row.names = FALSE, quote = FALSE)
writeLines(c(R.version.string, sapply(c("afex", "car", "sandwich"), function(p) paste(p, packageVersion(p)))), "factorial_versions.txt")
