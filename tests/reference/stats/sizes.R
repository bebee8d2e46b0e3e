# Reference values for effect sizes, Bayes factors, associations, reliability and assumptions, from R.
#
#   Rscript sizes.R        (in this folder; R 4.2.2, Debian 12 packages; versions are in sizes_versions.txt)
#
# Reads values.csv (made by make_reference.R); writes sizes_reference.csv (one number per line) and sizes_versions.txt.
suppressMessages({
  library(sandwich); library(effectsize); library(BayesFactor); library(metafor); library(emmeans); library(rockchalk)
  library(robustbase); library(psych); library(lmtest); library(boot)
})
RNGkind("Mersenne-Twister", "Inversion", "Rejection")
options(digits = 15, contrasts = c("contr.treatment", "contr.poly"))
rows <- list()
put <- function(case, what, ...) { v <- list(...)
  for (field in names(v)) rows[[length(rows) + 1]] <<- data.frame(case, what, field, value = sprintf("%.12g", as.numeric(v[[field]]))) }
j <- function(m) sqrt(2 / m) * exp(lgamma(m / 2) - lgamma((m - 1) / 2))
ncp_t <- function(t, df, q) uniroot(function(d) pt(t, df, d) - q, c(t - 9, t + 9), tol = 1e-13)$root
pooled <- function(x, g) { s <- split(x, g); sqrt(sum(sapply(s, function(v) (length(v) - 1) * var(v))) / (length(x) - length(s))) }
parts <- function(d, half, shrink, stretch) { near <- sqrt(half^2 + (d * (1 - shrink))^2); far <- sqrt(half^2 + (d * (1 - stretch))^2)
  if (d >= 0) c(d - near, d + far) else c(d - far, d + near) }
slope <- function(fit, name, kind) { v <- if (kind == "hc3") vcovHC(fit, type = "HC3") else vcov(fit); b <- coef(fit)[[name]]
  se <- sqrt(v[name, name]); df <- df.residual(fit); t <- b / se
  list(estimate = b, se = se, df = df, statistic = t, p = 2 * pt(-abs(t), df), ci_low = b - qt(.975, df) * se, ci_high = b + qt(.975, df) * se) }

# ---- shares explained -------------------------------------------------------------------------------------------
for (f in list(c(0.4, 1, 22), c(3.2, 1, 22), c(7.5, 2, 40), c(15, 3, 12))) {
  o <- F_to_omega2(f[1], f[2], f[3], ci = 0.90, alternative = "two.sided")
  put(paste(f, collapse = ","), "omega2", value = o$Omega2_partial, effectsize_low = o$CI_low, effectsize_high = o$CI_high)
}

# ---- variance of d_ppc2 -----------------------------------------------------------------------------------------
# Its distribution is that of Hedges' g of groups whose 1/n1 + 1/n2 is 2 (1 - r) (1/n1 + 1/n2), with the same n1 + n2;
# metafor's unbiased estimate of the variance of g (vtype "UB") times c^2 m / (m - 2) is the plugged-in exact variance.
for (s in list(c(0.7684, .5, 20, 20), c(0.7684, .47, 20, 20), c(0.4389, .44, 14, 14), c(1.2, .1, 8, 20), c(-0.6, .3, 9, 11))) {
  n <- s[3] + s[4]; m <- n - 2; spread <- 2 * (1 - s[2]) * (1 / s[3] + 1 / s[4]); root <- sqrt(n^2 / 4 - n / spread + 1e-12)
  e <- escalc("SMD", m1i = s[1] / j(m), m2i = 0, sd1i = 1, sd2i = 1, n1i = n / 2 + root, n2i = n / 2 - root, vtype = "UB")
  put(paste(s, collapse = ","), "d_ppc2", variance = e$vi * j(m)^2 * m / (m - 2), value = e$yi)
}

# ---- Bayes factors ----------------------------------------------------------------------------------------------
t_widths <- c(medium = sqrt(2) / 2, wide = 1, ultrawide = sqrt(2)); r_widths <- c(medium = 1 / 3, wide = 1 / sqrt(3), ultrawide = 1)
for (name in names(t_widths)) {
  stopifnot(abs(BayesFactor:::rpriorValues("ttestTwo", , name) - t_widths[[name]]) < 1e-15,
            abs(BayesFactor:::rpriorValues("correlation", , name) - r_widths[[name]]) < 1e-15)
  for (k in list(c(0.3, 12, 0), c(2.1, 15, 15), c(-3.4, 8, 20), c(9, 40, 41), c(0, 200, 0)))
    put(paste(c(k, name), collapse = ","), "bf_t", log_bf10 = ttest.tstat(k[1], k[2], k[3], rscale = t_widths[[name]])$bf)
  for (k in list(c(0, 10), c(0.2, 12), c(-0.55, 25), c(0.9, 30), c(0.35, 142), c(-0.05, 400))) {
    n <- k[2]; x <- scale(seq_len(n))[, 1]; z <- scale(resid(lm(sin(1:n * 7) ~ x)))[, 1]; y <- k[1] * x + sqrt(1 - k[1]^2) * z
    stopifnot(abs(cor(x, y) - k[1]) < 1e-10)
    put(paste(c(k, name), collapse = ","), "bf_r", log_bf10 = correlationBF(y, x, rscale = name)@bayesFactor$bf)
  }
}

# ---- data sets --------------------------------------------------------------------------------------------------
all <- read.csv("values.csv", colClasses = c(subject = "character"))
wide <- function(dataset, region) {
  d <- all[all$dataset == dataset & all$region == region, ]
  w <- reshape(d, idvar = c("subject", "group", "age", "sex"), timevar = "session", direction = "wide", drop = c("dataset", "region"))
  names(w) <- sub("value[.]", "", names(w)); w <- w[complete.cases(w), ]; w$change <- w$post - w$pre; w[order(w$subject), ]
}
log_sd <- function(v) { r <- v[3] / sqrt(v[1] * v[2]); log(sqrt((v[1] + v[2] - 2 * v[3]) / (2 * (1 - r)))) }
for (case in list(c("balanced", "amygdala"), c("unbalanced", "VTA"), c("covariates", "AI"), c("dropouts", "VTA"))) {
  w <- wide(case[1], case[2]); name <- paste(case, collapse = "/"); w$group <- relevel(factor(w$group), ref = "B"); a <- w$group == "A"
  # adjusted difference
  for (kind in c("classical", "hc3")) {
    x <- slope(lm(post ~ pre + group, w), "groupA", kind); s <- pooled(w$pre, w$group); m <- nrow(w) - 2
    ci <- parts(x$estimate / s, (x$ci_high - x$estimate) / s, sqrt(qchisq(.025, m) / m), sqrt(qchisq(.975, m) / m))
    put(name, paste0("adjusted_d:", kind), value = j(m) * x$estimate / s, low = ci[1], high = ci[2])
  }
  # within group A
  k <- w[a, ]; n <- nrow(k); t <- t.test(k$post, k$pre, paired = TRUE)$statistic[[1]]
  put(name, "d_z", value = j(n - 1) * t / sqrt(n), low = ncp_t(t, n - 1, .975) / sqrt(n), high = ncp_t(t, n - 1, .025) / sqrt(n))
  v <- c(var(k$pre), var(k$post), cov(k$pre, k$post)); s <- exp(log_sd(v)); h <- 1e-5
  g <- sapply(1:3, function(i) { e <- replace(numeric(3), i, h * v[1]); (log_sd(v + e) - log_sd(v - e)) / (2 * h * v[1]) })
  V <- matrix(c(2 * v[1]^2, 2 * v[3]^2, 2 * v[1] * v[3], 2 * v[3]^2, 2 * v[2]^2, 2 * v[2] * v[3], 2 * v[1] * v[3], 2 * v[2] * v[3],
                v[1] * v[2] + v[3]^2), 3) / (n - 1)
  tau <- qnorm(.975) * sqrt(c(t(g) %*% V %*% g)); d <- mean(k$change) / s
  ci <- parts(d, qt(.975, n - 1) * sd(k$change) / sqrt(n) / s, exp(-tau), exp(tau))
  put(name, "d_rm", value = j(n - 1) * d, low = ci[1], high = ci[2])
  sa <- sqrt((v[1] + v[2]) / 2); d <- mean(k$change) / sa
  half <- qnorm(.975) * sqrt(d^2 * (v[1]^2 + v[2]^2 + 2 * v[3]^2) / (8 * sa^4 * (n - 1)) + var(k$change) / (sa^2 * (n - 1)))
  put(name, "d_av", value = j(n - 1) * d, low = d - half, high = d + half)
  # correlations and associations
  ct <- cor.test(w$age, w$change); put(name, "pearson", r = ct$estimate, p = ct$p.value, low = ct$conf.int[1], high = ct$conf.int[2])
  sp <- suppressWarnings(cor.test(w$age, w$change, method = "spearman", exact = FALSE)); put(name, "spearman", r = sp$estimate)
  fit <- lm(change ~ pre + group + age, w); x <- slope(fit, "age", "classical")
  r <- cor(resid(lm(change ~ pre + group, w)), resid(lm(age ~ pre + group, w)))
  put(name, "partial", r = r, p = x$p, low = tanh(atanh(r) - qnorm(.975) / sqrt(nrow(w) - 5)), high = tanh(atanh(r) + qnorm(.975) / sqrt(nrow(w) - 5)))
  for (kind in c("classical", "hc3")) do.call(put, c(list(name, paste0("slope:", kind)), slope(fit, "age", kind)))
  # MM regression, with three subjects moved far off
  o <- w; o$change[1:3] <- o$change[1:3] + 6; o$age[1:3] <- o$age[1:3] + 15; set.seed(1)
  f <- lmrob(change ~ group + age, o, control = lmrob.control(cov = ".vcov.w", nResample = 5000, k.fast.s = 2, best.r.s = 40, refine.tol = 1e-13,
             rel.tol = 1e-13, scale.tol = 1e-14, k.max = 5000, max.it = 2000, maxit.scale = 5000))
  x <- slope(f, "age", "model"); put(name, "robust", estimate = x$estimate, se = x$se, df = x$df, p = x$p, scale = f$scale)
  # moderation of planted ~ age by group, planted = change and 0.1 more per year over 30 in group A
  w$indicator <- as.numeric(a); w$planted <- w$change + 0.1 * (w$age - 30) * a
  fit <- lm(planted ~ age * indicator, w); same <- lm(planted ~ age * group, w)
  for (kind in c("classical", "hc3")) {
    V <- if (kind == "hc3") vcovHC(fit, type = "HC3") else vcov(fit)
    do.call(put, c(list(name, paste0("interaction:", kind)), slope(fit, "age:indicator", kind)))
    tr <- as.data.frame(summary(emtrends(same, ~ group, var = "age", vcov. = if (kind == "hc3") vcovHC(same, type = "HC3") else vcov(same)), infer = TRUE))
    for (g in c("A", "B")) { q <- tr[tr$group == g, ]
      put(name, paste0("slope_", g, ":", kind), estimate = q$age.trend, se = q$SE, df = q$df, p = q$p.value, ci_low = q$lower.CL, ci_high = q$upper.CL) }
    b <- coef(fit); i <- c("indicator", "age:indicator"); t2 <- qt(.975, df.residual(fit))^2
    A <- b[[i[2]]]^2 - t2 * V[i[2], i[2]]; B <- b[[i[1]]] * b[[i[2]]] - t2 * V[i[1], i[2]]; C <- b[[i[1]]]^2 - t2 * V[i[1], i[1]]
    disc <- B^2 - A * C
    if (disc > 0) put(name, paste0("johnson_neyman:", kind), low = min((-B + c(-1, 1) * sqrt(disc)) / A), high = max((-B + c(-1, 1) * sqrt(disc)) / A),
                      outside = as.numeric(A > 0))
    else put(name, paste0("johnson_neyman:", kind), everywhere = as.numeric(A > 0))
  }
  pdf(NULL); ts <- suppressWarnings(suppressMessages(testSlopes(plotSlopes(fit, plotx = "indicator", modx = "age", plotPoints = FALSE))))
  if (is.numeric(ts$jn$roots)) put(name, "rockchalk", low = min(ts$jn$roots), high = max(ts$jn$roots))
  # reliability: the three regions before, as three measurements
  wide3 <- function() { d <- all[all$dataset == case[1] & all$session == "pre", ]; u <- reshape(d[, c("subject", "region", "value")], idvar = "subject",
    timevar = "region", direction = "wide"); u <- u[complete.cases(u), ]; u[order(u$subject), -1] }
  for (which in c("two", "three")) {
    u <- if (which == "two") w[, c("pre", "post")] else wide3()
    i <- suppressMessages(ICC(as.matrix(u), lmer = FALSE))$results
    put(name, paste0("icc_", which), icc2 = i$ICC[2], low2 = i$`lower bound`[2], high2 = i$`upper bound`[2], icc3 = i$ICC[3], low3 = i$`lower bound`[3],
        high3 = i$`upper bound`[3])
  }
  # assumptions
  fit <- lm(post ~ pre + group, w); e <- resid(fit)
  put(name, "assumptions", skewness = psych::skew(e, type = 2), kurtosis = psych::kurtosi(e, type = 2), shapiro_p = shapiro.test(e)$p.value,
      spread_p = bptest(fit)$p.value, cook = max(cooks.distance(fit)), cook_at = which.max(cooks.distance(fit)) - 1, leverage = max(hatvalues(fit)),
      leverage_at = which.max(hatvalues(fit)) - 1, variance_ratio = max(var(e[a]), var(e[!a])) / min(var(e[a]), var(e[!a])),
      imbalance = (mean(w$pre[a]) - mean(w$pre[!a])) / sqrt((var(w$pre[a]) + var(w$pre[!a])) / 2))
  for (kind in c("classical", "hc3")) do.call(put, c(list(name, paste0("parallel:", kind)), slope(lm(post ~ pre * group, w), "pre:groupA", kind)))
  # bootstrap, other resamples than ours
  set.seed(7); dppc2 <- function(d, i) { q <- d[i, ]; (mean(q$change[q$group == "A"]) - mean(q$change[q$group == "B"])) / pooled(q$pre, q$group) }
  bt <- boot(w, dppc2, 9999, strata = w$group); ci <- boot.ci(bt, type = "bca", L = empinf(bt, type = "jack"))$bca
  put(name, "bootstrap_d_ppc2", low = ci[4], high = ci[5])
  bt <- boot(w, function(d, i) cor(d$age[i], d$change[i]), 9999); ci <- boot.ci(bt, type = "bca", L = empinf(bt, type = "jack"))$bca
  put(name, "bootstrap_r", low = ci[4], high = ci[5])
}
reference <- do.call(rbind, rows); for (c in c("case")) reference[[c]] <- paste0('"', reference[[c]], '"')
write.csv(reference, "sizes_reference.csv", row.names = FALSE, quote = FALSE)
writeLines(c(R.version.string, sapply(c("sandwich", "effectsize", "BayesFactor", "metafor", "emmeans", "rockchalk", "robustbase", "psych", "lmtest", "boot"),
           function(p) paste(p, packageVersion(p)))), "sizes_versions.txt")
