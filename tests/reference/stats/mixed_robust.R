# Reference values for the robust errors of the linear mixed models.
#
#   Rscript mixed_robust.R        (in this folder; R 4.2.2, Debian 12 packages; versions in mixed_robust_versions.txt)
#
# Reads mixed_values.csv; writes mixed_robust.csv, a line per data set, contrast and kind of errors:
#   club   clubSandwich's CR2 with Satterthwaite (t) or Hotelling's T2 approximation (HTZ, F), where nobody lacks a session
#   cr2    the same written out with full matrices of all values, with symmetric square roots; also with missing sessions
#   welch  with a variance of its own for each group
suppressMessages({library(lme4); library(clubSandwich)})
options(digits = 15, contrasts = c("contr.treatment", "contr.poly"))
data <- read.csv("mixed_values.csv", colClasses = c(subject = "character"))
complete <- c("balanced", "unbalanced", "threeslopes")
sets <- c(complete, "dropouts2", "dropouts3", "covariates", "threegroups", "threebythree", "foursessions", "highcorrelation")
root <- function(m, power) { e <- eigen(m, symmetric = TRUE); e$vectors %*% (e$values^power * t(e$vectors)) }
rows <- list()
put <- function(dataset, contrast, kind, statistic, df) rows[[length(rows) + 1]] <<- data.frame(
  dataset, contrast, kind, statistic = sprintf("%.12g", statistic), df = sprintf("%.12g", df))

written_out <- function(fit, d, C, grouped) {
  X <- getME(fit, "X"); y <- getME(fit, "y"); n <- length(y)
  z <- outer(d$subject, unique(d$subject), "==") * 1
  V <- sigma(fit)^2 * diag(n) + as.numeric(VarCorr(fit)$subject) * z %*% t(z)
  W <- root(V, -0.5); Xs <- W %*% X; M <- solve(t(Xs) %*% Xs); H <- Xs %*% M %*% t(Xs)
  b <- M %*% t(Xs) %*% W %*% y; e <- W %*% y - Xs %*% b; q <- nrow(C)
  people <- unique(d$subject); at <- lapply(people, function(s) which(d$subject == s))
  G <- lapply(at, function(i) C %*% M %*% t(Xs[i, , drop = FALSE]) %*% root(diag(length(i)) - H[i, i, drop = FALSE], -0.5))
  score <- lapply(seq_along(at), function(k) G[[k]] %*% e[at[[k]]])
  vcov <- Reduce("+", lapply(score, function(s) s %*% t(s)))
  omega <- function(S, i, j) G[[i]] %*% ((diag(n) - H) %*% S %*% (diag(n) - H))[at[[i]], at[[j]]] %*% t(G[[j]])
  S <- diag(n)
  if (grouped) {
    unit <- lapply(seq_along(at), function(k) omega(diag(n), k, k)); inverse <- solve(Reduce("+", unit))
    own <- sapply(score, function(s) t(s) %*% inverse %*% s); due <- sapply(unit, function(u) sum(diag(inverse %*% u)))
    of <- d$group[match(people, d$subject)]
    scale <- sapply(split(own, of), sum) / sapply(split(due, of), sum)
    scale[!is.finite(scale)] <- 0
    S <- diag(scale[d$group])
  }
  QSQ <- (diag(n) - H) %*% S %*% (diag(n) - H)
  block <- function(i, j) G[[i]] %*% QSQ[at[[i]], at[[j]]] %*% t(G[[j]])
  E <- Reduce("+", lapply(seq_along(at), function(k) block(k, k))); E2 <- root(E, -0.5)
  total <- 0
  for (i in seq_along(at)) for (j in seq_along(at)) {
    o <- E2 %*% block(i, j) %*% E2; total <- total + sum(diag(o))^2 + sum(diag(o %*% o))
  }
  eta <- q * (q + 1) / total
  effect <- C %*% b
  if (q == 1) return(c(effect / sqrt(vcov), eta))
  Q <- t(effect) %*% solve(vcov, effect)
  c(Q * (eta - q + 1) / (eta * q), eta - q + 1)
}

for (name in sets) {
  d <- data[data$dataset == name, ]; d <- d[order(as.numeric(d$subject), d$session), ]
  levels <- sort(unique(d$group)); reference <- levels[length(levels)]
  d$group <- factor(d$group, levels = c(reference, setdiff(levels, reference))); d$session <- factor(d$session)
  age <- if (name == "covariates") " + age + sex" else ""
  fit <- lmer(as.formula(paste0("value ~ session * group", age, " + (1 | subject)")), d, REML = TRUE,
              control = lmerControl(optCtrl = list(xtol_rel = 1e-14, xtol_abs = 1e-14, ftol_abs = 1e-15, ftol_rel = 1e-15)))
  p <- names(fixef(fit)); later <- levels(d$session)[-1]
  row <- function(weights) { w <- setNames(numeric(length(p)), p); w[names(weights)] <- weights; w }
  pick <- function(g, s) row(setNames(1, paste0("session", s, ":group", g)))
  A <- levels[1]
  tests <- list(first = matrix(pick(A, later[length(later)]), 1),
                within = matrix(row(setNames(1, paste0("session", later[length(later)]))), 1))
  joint <- do.call(rbind, lapply(setdiff(levels, reference), function(g) do.call(rbind, lapply(later, function(s) pick(g, s)))))
  if (nrow(joint) > 1) tests$any <- joint
  for (contrast in names(tests)) {
    C <- tests[[contrast]]
    if (name %in% complete) {
      if (nrow(C) == 1) {
        x <- linear_contrast(fit, vcov = "CR2", contrasts = C, test = "Satterthwaite")
        put(name, contrast, "club", x$Est / x$SE, x$df)
      } else { x <- Wald_test(fit, constraints = C, vcov = "CR2", test = "HTZ"); put(name, contrast, "club", x$Fstat, x$df_denom) }
    }
    for (kind in c("cr2", "welch")) { x <- written_out(fit, d, C, kind == "welch"); put(name, contrast, kind, x[1], x[2]) }
  }
}
write.csv(do.call(rbind, rows), "mixed_robust.csv", row.names = FALSE, quote = FALSE)
writeLines(c(R.version.string, paste("lme4", packageVersion("lme4")), paste("clubSandwich", packageVersion("clubSandwich"))),
           "mixed_robust_versions.txt")
