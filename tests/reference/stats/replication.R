# Reference values for the statistics of replications, from R.
#
#   Rscript replication.R        (in this folder; R 4.2.2, Debian 12 packages; versions are in replication_versions.txt)
#
# Formulas written out with base R's noncentral t and integrate; the density of r with hypergeo. The confidence
# distribution of delta is found by inverting pt, which is not how deltaroi does it. Detectable effects of equal groups are
# held against power.t.test. Writes replication_t.csv, replication_r.csv and replication_versions.txt.
suppressMessages(library(hypergeo))
options(digits = 15)
exact <- function(f, low, high) integrate(f, low, high, rel.tol = 1e-10, subdivisions = 2000)$value
root <- function(f, low, high) uniroot(f, c(low, high), tol = 1e-12, extendInt = "yes")$root
J <- function(df) exp(lgamma(df / 2) - lgamma((df - 1) / 2)) * sqrt(2 / df)

detectable <- function(df, power) {
  critical <- qt(0.975, df)
  root(function(ncp) pt(-critical, df, ncp) + 1 - pt(critical, df, ncp) - power, 0, 6)
}
t_case <- function(kind, t, n1, n2, t_new, n1_new, n2_new, bound) {
  size <- function(n1, n2) if (kind == "g") n1 * n2 / (n1 + n2) else n1
  df <- if (kind == "g") n1 + n2 - 2 else n1 - 1
  df_new <- if (kind == "g") n1_new + n2_new - 2 else n1_new - 1
  a <- sqrt(size(n1, n2)); b <- sqrt(size(n1_new, n2_new))
  from <- (t - 12 - abs(t)) / a; to <- (t + 12 + abs(t)) / a
  posterior <- function(d) dt(t, df, d * a)
  bf <- exact(function(d) posterior(d) * dt(t_new, df_new, d * b), from, to) / exact(posterior, from, to) / dt(t_new, df_new)
  delta <- Vectorize(function(u) root(function(d) 1 - pt(t, df, d * a) - u, from, to))
  below <- function(x) exact(function(u) pt(x, df_new, delta(u) * b), 0, 1)
  middle <- t / a * b; reach <- 4 * sqrt(1 + (b / a)^2) + abs(middle)
  predicted <- sapply(c(0.025, 0.975), function(q) root(function(x) below(x) - q, middle - reach, middle + reach))
  third <- detectable(df, 1 / 3) / a; most <- detectable(df, 0.8) / a
  if (kind == "g" && n1 == n2) stopifnot(abs(power.t.test(n = n1, power = 0.8, strict = TRUE)$delta - most) < 1e-4)
  if (kind == "g_z") stopifnot(abs(power.t.test(n = n1, power = 0.8, type = "one.sample", strict = TRUE)$delta - most) < 1e-4)
  ends <- sapply(c(0.975, 0.025), function(q) root(function(ncp) pt(t, df, ncp) - q, t - 6, t + 6)) / a * J(df)
  data.frame(kind, t, n1, n2, t_new, n1_new, n2_new, bound, value = J(df) * t / a, low = ends[1], high = ends[2],
             log_bf = log(bf), prediction_low = predicted[1] * J(df_new) / b, prediction_high = predicted[2] * J(df_new) / b,
             third = sign(t) * third, p_smaller = pt(sign(t) * t_new, df_new, third * b), detectable_80 = most,
             p_bound = max(pt(t_new, df_new, bound * b), 1 - pt(t_new, df_new, -bound * b)))
}
cases <- list(list("g", 2.1, 11, 11, 3.06, 27, 28, 0.3), list("g", 2.9, 20, 26, -1.2, 40, 35, 0.3),
              list("g", -3.4, 14, 15, -1.1, 60, 52, 0.5), list("g", 0.4, 25, 25, 0.2, 100, 100, 0.3),
              list("g", 7.5, 8, 9, 2.2, 12, 12, 0.3), list("g", 2.3, 150, 160, 1.5, 300, 280, 0.2),
              list("g_z", 2.5, 12, 0, 1.9, 30, 0, 0.3), list("g_z", -4.2, 5, 0, 0.3, 8, 0, 0.4),
              list("g_z", 6.1, 16, 0, 12.5, 45, 0, 0.3), list("g_z", 3.1, 24, 0, -2.4, 24, 0, 0.3))
tests <- do.call(rbind, lapply(cases, function(case) do.call(t_case, case)))

density_r <- function(rho, r, n) (1 - rho^2)^((n - 1) / 2) * (1 - rho * r)^(3 / 2 - n) *
  Re(hypergeo(0.5, 0.5, n - 0.5, (1 + rho * r) / 2))
normal_third <- root(function(x) pnorm(x - qnorm(0.975)) + pnorm(-x - qnorm(0.975)) - 1 / 3, 0, 3)
normal_80 <- root(function(x) pnorm(x - qnorm(0.975)) + pnorm(-x - qnorm(0.975)) - 0.8, 0, 4)
r_case <- function(r, n, r_new, n_new, bound) {
  bf <- exact(function(p) density_r(p, r, n) * density_r(p, r_new, n_new), -1, 1) /
    exact(function(p) density_r(p, r, n), -1, 1) / density_r(0, r_new, n_new)
  half <- qnorm(0.975) * sqrt(1 / (n - 3) + 1 / (n_new - 3)); third <- tanh(normal_third / sqrt(n - 3))
  root_n <- sqrt(n_new - 3)
  data.frame(r, n, r_new, n_new, bound, log_bf = log(bf), prediction_low = tanh(atanh(r) - half),
             prediction_high = tanh(atanh(r) + half), third = sign(r) * third,
             p_smaller = pnorm((sign(r) * atanh(r_new) - atanh(third)) * root_n), detectable_80 = tanh(normal_80 / sqrt(n - 3)),
             p_bound = max(pnorm((atanh(r_new) - atanh(bound)) * root_n), pnorm((-atanh(r_new) - atanh(bound)) * root_n)))
}
cases <- list(list(0.35, 100, 0.2, 200, 0.2), list(0.62, 16, 0.1, 40, 0.3), list(-0.5, 24, -0.45, 30, 0.1),
              list(0.8, 12, -0.3, 20, 0.4), list(0.05, 40, 0.02, 300, 0.2), list(-0.3, 7, 0.6, 9, 0.5))
correlations <- do.call(rbind, lapply(cases, function(case) do.call(r_case, case)))

save <- function(frame, path) {
  numeric <- sapply(frame, is.numeric)
  frame[numeric] <- lapply(frame[numeric], function(v) sprintf("%.12g", v))
  write.csv(frame, path, row.names = FALSE, quote = FALSE)
}
save(tests, "replication_t.csv"); save(correlations, "replication_r.csv")
writeLines(c(R.version.string, paste("hypergeo", packageVersion("hypergeo"))), "replication_versions.txt")
