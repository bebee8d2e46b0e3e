# Reference values for published statistics turned into effect sizes, and for their random-effects mean, from R.
#
#   Rscript evidence.R        (in this folder; R 4.2.2, Debian 12 packages; versions are in evidence_versions.txt)
#
# Writes evidence_reference.csv (one number per line) and evidence_versions.txt.
suppressMessages({ library(metafor); library(effectsize) })
options(digits = 15)
rows <- list()
put <- function(case, what, ...) { v <- list(...)
  for (field in names(v)) rows[[length(rows) + 1]] <<- data.frame(case = paste(case, collapse = ","), what, field,
                                                                  value = sprintf("%.12g", as.numeric(v[[field]]))) }
# samples whose t is exactly the wanted one
ladder <- function(n) { x <- qnorm(ppoints(n)); (x - mean(x)) / sd(x) }

# ---- p values, r, eta2 ------------------------------------------------------------------------------------------
for (k in list(c(-3, 11), c(-3.06, 11), c(-1.89, 11), c(4.21, 18), c(4.21, 9), c(1.85, 39), c(-2.87, 37)))
  put(k, "t", p = 2 * pt(-abs(k[1]), k[2]), r = t_to_r(k[1], k[2])$r)
for (k in list(c(6.16, 1, 19), c(7.05, 1, 19), c(4.20, 1, 19), c(28.06, 1, 28), c(3.3, 2, 33)))
  put(k, "F", p = pf(k[1], k[2], k[3], lower.tail = FALSE), eta2 = F_to_eta2(k[1], k[2], k[3])$Eta2_partial)
for (k in list(c(.46, 12), c(.92, 20), c(.79, 21), c(-.3, 8))) {
  x <- ladder(k[2]); e <- ladder(k[2])[c(seq(1, k[2], 2), rev(seq(2, k[2], 2)))]; e <- scale(resid(lm(e ~ x)))[, 1]
  test <- cor.test(x, k[1] * x + sqrt(1 - k[1]^2) * e)
  z <- escalc("ZCOR", ri = k[1], ni = k[2])
  put(k, "r", p = test$p.value, t = test$statistic, low = test$conf.int[1], high = test$conf.int[2], variance = z$vi)
}
for (k in list(c(5.7, 56), c(4.26, 51), c(-3.1, 11)))
  put(k, "z", p = 2 * pnorm(-abs(k[1])), t = qt(pnorm(k[1], log.p = TRUE), k[2], log.p = TRUE))

# ---- standardised differences -----------------------------------------------------------------------------------
for (k in list(c(-3, 12), c(-1.89, 12), c(0.4, 5), c(6, 30))) {
  d <- ladder(k[2]) + k[1] / sqrt(k[2]); g <- hedges_g(d)
  e <- escalc("SMCC", m1i = k[1] / sqrt(k[2]), m2i = 0, sd1i = 1, sd2i = 1, ni = k[2], ri = .5)
  stopifnot(abs(t.test(d)$statistic - k[1]) < 1e-8)
  put(k, "g_z", value = g$Hedges_g, low = g$CI_low, high = g$CI_high, metafor = e$yi, variance = e$vi)
}
for (k in list(c(4.21, 10, 10), c(2.4819, 13, 8), c(4.6, 15, 15), c(-0.7, 4, 9))) {
  n1 <- k[2]; n2 <- k[3]; root <- sqrt(1 / n1 + 1 / n2); x <- ladder(n1) + k[1] * root; y <- ladder(n2); g <- hedges_g(x, y)
  stopifnot(abs(t.test(x, y, var.equal = TRUE)$statistic - k[1]) < 1e-8)
  e <- escalc("SMD", m1i = k[1] * root, m2i = 0, sd1i = 1, sd2i = 1, n1i = n1, n2i = n2)
  put(k, "g", value = g$Hedges_g, low = g$CI_low, high = g$CI_high, metafor = e$yi, variance = e$vi)
}

# ---- random-effects mean ----------------------------------------------------------------------------------------
sets <- list(apart = list(y = c(-1.8, -.8, -.5, .2), v = c(.28, .11, .094, .2)), alike = list(y = c(-.51, -.81, -.82), v = c(.094, .22, .223)),
             three = list(y = c(1.07, .2, -.9), v = c(.23, .05, .1)), many = list(y = c(.1, .5, .9, -.2, .4, 1.3, .05, .33), v = c(.05, .1, .2, .04, .3, .15, .02, .08)))
for (name in names(sets)) {
  s <- sets[[name]]
  for (test in c("knha", "adhoc")) {
    m <- rma(s$y, s$v, method = "PM", test = test, control = list(tol = 1e-13)); p <- predict(m)
    put(c(name, test), "rma", estimate = m$b, low = m$ci.lb, high = m$ci.ub, prediction_low = p$pi.lb, prediction_high = p$pi.ub, tau2 = m$tau2,
        q = m$QE, p = m$QEp, se = m$se)
  }
  for (i in seq_along(s$y)) put(c(name, i), "set", y = s$y[i], v = s$v[i])
}
reference <- do.call(rbind, rows); reference$case <- paste0('"', reference$case, '"')
write.csv(reference, "evidence_reference.csv", row.names = FALSE, quote = FALSE)
writeLines(c(R.version.string, sapply(c("metafor", "effectsize"), function(p) paste(p, packageVersion(p)))), "evidence_versions.txt")
