# Reference values for the group statistics, from R.
#
#   Rscript make_reference.R        (in this folder; R 4.2.2, Debian 12 packages; versions are in versions.txt)
#
# Writes values.csv (simulated data sets, fixed seed), reference.csv (one number per line) and versions.txt.
suppressMessages({
  library(afex); library(car); library(sandwich); library(effectsize); library(BayesFactor)
})
RNGkind("Mersenne-Twister", "Inversion", "Rejection")
set.seed(20260101)
options(digits = 15, contrasts = c("contr.treatment", "contr.poly"))

# ---- data -------------------------------------------------------------------------------------------------
people <- function(dataset, n, sd, gain, r = 0.5, offset = 0) {
  out <- list(); k <- 0
  for (g in names(n)) for (i in seq_len(n[[g]])) {
    k <- k + 1; age <- round(rnorm(1, 30, 6)); sex <- sample(c("F", "M"), 1)
    for (region in c("amygdala", "VTA", "AI")) {
      pre <- rnorm(1, 0.3 + offset * (g == names(n)[1]), sd[[g]])
      post <- 0.3 + r * (pre - 0.3) + gain[[g]] * (region != "AI") + 0.01 * (age - 30) + rnorm(1, 0, sd[[g]] * sqrt(1 - r^2))
      out[[length(out) + 1]] <- data.frame(dataset, subject = sprintf("%02d", k), group = g, age, sex, region,
                                           session = c("pre", "post"), value = round(c(pre, post), 6))
    }
  }
  do.call(rbind, out)
}
balanced   <- people("balanced", list(A = 12, B = 12), list(A = 0.5, B = 0.5), list(A = 0.5, B = 0))
unbalanced <- people("unbalanced", list(A = 8, B = 20), list(A = 1.0, B = 0.5), list(A = 0.4, B = 0.1), offset = 0.6)
covariates <- people("covariates", list(A = 15, B = 13), list(A = 0.5, B = 0.6), list(A = 0.3, B = 0))
three      <- people("three", list(A = 9, C = 10, B = 11), list(A = 0.5, C = 0.8, B = 0.4), list(A = 0.6, C = 0.2, B = 0))
onegroup   <- people("onegroup", list(A = 15), list(A = 0.5), list(A = 0.25))
dropouts   <- people("dropouts", list(A = 14, B = 14), list(A = 0.5, B = 0.5), list(A = 0.4, B = 0.1))
gone <- (dropouts$subject %in% c("03", "17", "21") & dropouts$session == "post") |
        (dropouts$subject == "08" & dropouts$session == "pre" & dropouts$region == "VTA")
dropouts <- dropouts[!gone, ]
data <- rbind(balanced, unbalanced, covariates, three, onegroup, dropouts)
write.csv(data, "values.csv", row.names = FALSE, quote = FALSE)

# ---- reference --------------------------------------------------------------------------------------------
rows <- list()
put <- function(dataset, region, model, term, comparison, se_kind, values) {
  for (field in names(values)) rows[[length(rows) + 1]] <<- data.frame(
    dataset, region, model, term, comparison, se_kind, field, value = sprintf("%.12g", as.numeric(values[[field]])))
}
keep <- function(dataset, region, model, term, comparison, kind, ...)
  put(dataset, region, model, term, comparison, kind, list(...))
wide <- function(d) {
  w <- reshape(d, idvar = c("subject", "group", "age", "sex"), timevar = "session", direction = "wide",
               drop = c("dataset", "region"))
  names(w) <- sub("value[.]", "", names(w))
  w[complete.cases(w[, c("pre", "post")]), ]
}
coefficient <- function(fit, name, kind) {           # t reference with residual degrees of freedom
  v <- if (kind == "hc3") vcovHC(fit, type = "HC3") else vcov(fit)
  b <- coef(fit)[[name]]; se <- sqrt(v[name, name]); df <- df.residual(fit); t <- b / se
  list(estimate = b, se = se, df = df, statistic = t, p = 2 * pt(-abs(t), df),
       ci_low = b - qt(.975, df) * se, ci_high = b + qt(.975, df) * se)
}
tt <- function(x) list(estimate = if (length(x$estimate) == 2) x$estimate[[1]] - x$estimate[[2]] else x$estimate[[1]],
                       se = x$stderr, df = x$parameter[[1]], statistic = x$statistic[[1]], p = x$p.value,
                       ci_low = x$conf.int[1], ci_high = x$conf.int[2])
tost <- function(estimate, se, df, bound) max(pt((estimate + bound) / se, df, lower.tail = FALSE),
                                              pt((estimate - bound) / se, df))
# Noncentral intervals by uniroot on base R's pt and pf: effectsize inverts the same functions by a coarse optimiser, whose
# bounds differ from these after the sixth digit (and at F = 0.003, in the second).
ncp_t <- function(t, df, q) uniroot(function(d) pt(t, df, d) - q, c(t - 9, t + 9), tol = 1e-13)$root
ncp_f <- function(f, a, b, q) if (pf(f, a, b) <= q) 0 else
  uniroot(function(l) pf(f, a, b, l) - q, c(0, 60 + 5 * f * a), tol = 1e-13)$root
eta_interval <- function(f, a, b) { l <- c(ncp_f(f, a, b, .95), ncp_f(f, a, b, .05)); l / (l + b) }
g_interval <- function(x, y) {
  m <- length(x) + length(y) - 2; k <- sqrt(1 / length(x) + 1 / length(y))
  t <- t.test(x, y, var.equal = TRUE)$statistic[[1]]
  j <- sqrt(2 / m) * exp(lgamma(m / 2) - lgamma((m - 1) / 2))
  j * k * c(ncp_t(t, m, .975), ncp_t(t, m, .025))
}
pooled <- function(x, g) { s <- split(x, g); s <- s[lengths(s) > 0]
  sqrt(sum(sapply(s, function(v) (length(v) - 1) * var(v))) / (length(x) - length(s))) }
loo <- function(fit, name) range(dfbeta_estimates(fit, name))
dfbeta_estimates <- function(fit, name) sapply(seq_len(nrow(model.frame(fit))), function(i)
  coef(lm(formula(fit), data = model.frame(fit)[-i, , drop = FALSE]))[[name]])

two <- function(d, name, adjust = FALSE) for (region in unique(d$region)) {
  w <- wide(d[d$region == region, ]); w$group <- relevel(factor(w$group), ref = "B"); w$change <- w$post - w$pre
  extra <- if (adjust) " + age + sex" else ""
  ancova <- lm(as.formula(paste0("post ~ pre", extra, " + group")), w)
  change <- lm(as.formula(paste0("change ~ 1", extra, " + group")), w)
  bound <- 0.3 * pooled(w$pre, w$group)
  for (kind in c("hc3", "classical")) {
    x <- coefficient(ancova, "groupA", kind)
    put(name, region, "ancova", "group_difference", "A-B|post-pre", kind,
        c(x, p_equivalence = tost(x$estimate, x$se, x$df, bound), equivalence_bound = bound))
    if (adjust) put(name, region, "change", "group_difference", "A-B|post-pre", kind, coefficient(change, "groupA", kind))
    covariates <- c(age = "age", sex = "sexM")
    if (adjust) for (covariate in names(covariates)) {
      term <- paste0("covariate:", covariate)
      put(name, region, "ancova", term, "post-pre", kind, coefficient(ancova, covariates[[covariate]], kind))
      put(name, region, "change", term, "post-pre", kind, coefficient(change, covariates[[covariate]], kind))
    }
  }
  l <- loo(ancova, "groupA")
  keep(name, region, "ancova", "group_difference", "A-B|post-pre", "hc3", loo_min = l[1], loo_max = l[2])
  a <- w$group == "A"
  if (!adjust) {
    welch <- tt(t.test(w$change[a], w$change[!a])); equal <- tt(t.test(w$change[a], w$change[!a], var.equal = TRUE))
    put(name, region, "change", "group_difference", "A-B|post-pre", "welch",
        c(welch, p_equivalence = tost(welch$estimate, welch$se, welch$df, bound)))
    bf <- extractBF(ttestBF(w$change[a], w$change[!a], rscale = sqrt(2) / 2))$bf
    put(name, region, "change", "group_difference", "A-B|post-pre", "classical", c(equal, bf10 = bf))
    long <- reshape(w[, c("subject", "group", "pre", "post")], direction = "long", varying = c("pre", "post"),
                    v.names = "value", timevar = "session", times = c("pre", "post"), idvar = "subject")
    m <- suppressMessages(aov_ez("subject", "value", long, between = "group", within = "session", type = 3))
    i <- m$anova_table["group:session", ]
    eta <- F_to_eta2(i$F, i$`num Df`, i$`den Df`, ci = 0.90, alternative = "two.sided")
    keep(name, region, "mixed_anova", "group_x_session", "A-B|post-pre", "classical", statistic = i$F, df = i$`den Df`,
         p = i$`Pr(>F)`, effect_size = eta$Eta2_partial, es_ci_low = eta_interval(i$F, i$`num Df`, i$`den Df`)[1],
         es_ci_high = eta_interval(i$F, i$`num Df`, i$`den Df`)[2])
    stopifnot(abs(eta$CI_high - eta_interval(i$F, i$`num Df`, i$`den Df`)[2]) < 1e-4)  # agrees with effectsize
  }
  within(w, name, region, c("A", "B"))
  first <- d[d$region == region & d$session == "pre", ]
  x <- first$value[first$group == "A"]; y <- first$value[first$group == "B"]
  g <- hedges_g(x, y, pooled_sd = TRUE)
  put(name, region, "two_sample", "group_at_baseline", "A-B|pre", "welch", tt(t.test(x, y)))
  put(name, region, "two_sample", "group_at_baseline", "A-B|pre", "classical",
      c(tt(t.test(x, y, var.equal = TRUE)), effect_size = g$Hedges_g, es_ci_low = g_interval(x, y)[1], es_ci_high = g_interval(x, y)[2],
        bf10 = extractBF(ttestBF(x, y, rscale = sqrt(2) / 2))$bf))
}
within <- function(w, name, region, levels) for (g in levels) {
  s <- w[w$group == g, ]; n <- nrow(s)
  j <- sqrt(2 / (n - 1)) * exp(lgamma((n - 1) / 2) - lgamma((n - 2) / 2))
  put(name, region, "paired", paste0("session_within:", g), paste0(g, "|post-pre"), "classical",
      c(tt(t.test(s$post, s$pre, paired = TRUE)), bf10 = extractBF(ttestBF(s$post, s$pre, paired = TRUE))$bf,
        effect_size = j * mean(s$post - s$pre) / sqrt((var(s$pre) + var(s$post)) / 2),
        mde_80 = detectable(n - 1) * sd(s$post - s$pre) / sqrt(n)))
}
detectable <- function(df) { k <- qt(.975, df)
  uniroot(function(d) pt(-k, df, d) + pt(k, df, d, lower.tail = FALSE) - .8, c(0, 20), tol = 1e-12)$root }

two(balanced, "balanced"); two(unbalanced, "unbalanced"); two(covariates, "covariates", TRUE); two(dropouts, "dropouts")
for (region in unique(onegroup$region)) within(wide(onegroup[onegroup$region == region, ]), "onegroup", region, "A")

for (region in unique(three$region)) {
  w <- wide(three[three$region == region, ]); w$group <- factor(w$group, levels = c("B", "A", "C")); w$change <- w$post - w$pre
  ancova <- lm(post ~ pre + group, w); change <- lm(change ~ group, w)
  joint <- function(fit, kind) {
    h <- if (kind == "hc3") linearHypothesis(fit, c("groupA = 0", "groupC = 0"), vcov. = vcovHC(fit, type = "HC3"))
         else linearHypothesis(fit, c("groupA = 0", "groupC = 0"))
    list(statistic = h$F[2], df = h$Res.Df[2], p = h$`Pr(>F)`[2])
  }
  for (kind in c("hc3", "classical")) {
    put("three", region, "ancova", "group_difference", "A,C,B|post-pre", kind, joint(ancova, kind))
    for (g in c("A", "C")) put("three", region, "ancova", "group_difference", paste0(g, "-B|post-pre"), kind,
                               coefficient(ancova, paste0("group", g), kind))
  }
  f <- joint(ancova, "classical")
  eta <- F_to_eta2(f$statistic, 2, f$df, ci = 0.90, alternative = "two.sided")
  keep("three", region, "ancova", "group_difference", "A,C,B|post-pre", "classical",
       effect_size = eta$Eta2_partial, es_ci_low = eta_interval(f$statistic, 2, f$df)[1],
       es_ci_high = eta_interval(f$statistic, 2, f$df)[2])
  o <- oneway.test(change ~ group, w)
  keep("three", region, "change", "group_difference", "A,C,B|post-pre", "welch", statistic = o$statistic,
       df = o$parameter[[2]], p = o$p.value)
  put("three", region, "change", "group_difference", "A,C,B|post-pre", "classical", joint(change, "classical"))
  for (g in c("A", "C")) {
    put("three", region, "change", "group_difference", paste0(g, "-B|post-pre"), "classical",
        coefficient(change, paste0("group", g), "classical"))
    put("three", region, "change", "group_difference", paste0(g, "-B|post-pre"), "welch",
        tt(t.test(w$change[w$group == g], w$change[w$group == "B"])))
  }
  long <- reshape(w[, c("subject", "group", "pre", "post")], direction = "long", varying = c("pre", "post"),
                  v.names = "value", timevar = "session", times = c("pre", "post"), idvar = "subject")
  i <- suppressMessages(aov_ez("subject", "value", long, between = "group", within = "session", type = 3))$anova_table["group:session", ]
  keep("three", region, "mixed_anova", "group_x_session", "A,C,B|post-pre", "classical", statistic = i$F, df = i$`den Df`,
       p = i$`Pr(>F)`)
}

reference <- do.call(rbind, rows)
p <- reference[reference$field == "p", ]             # families: the regions of one test
for (key in unique(paste(p$dataset, p$model, p$term, p$comparison, p$se_kind))) {
  f <- p[paste(p$dataset, p$model, p$term, p$comparison, p$se_kind) == key, ]
  f2 <- f; f$field <- "p_holm"; f$value <- sprintf("%.12g", p.adjust(as.numeric(f2$value), "holm"))
  reference <- rbind(reference, f)
  f$field <- "q_fdr"; f$value <- sprintf("%.12g", p.adjust(as.numeric(f2$value), "BH")); reference <- rbind(reference, f)
}
# fields that hold a comma are quoted
reference$comparison <- paste0('"', reference$comparison, '"')
write.csv(reference, "reference.csv", row.names = FALSE, quote = FALSE)
writeLines(c(R.version.string, sapply(c("afex", "car", "sandwich", "effectsize", "BayesFactor"),
           function(p) paste(p, packageVersion(p)))), "versions.txt")
