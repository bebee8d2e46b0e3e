# Reference values for robust errors in small samples, from R.
#
#   Rscript small_samples.R        (in this folder; R 4.2.2, Debian 12 packages; versions are in small_samples_versions.txt)
#
# hc2_bm and hc3_bm by clubSandwich: every value is its own cluster, so that CR2 and CR3 are HC2 and HC3. hc2_welch by
# dense matrices; without covariates and with two groups it is held against t.test. Reads values.csv, writes
# small_samples.csv and small_samples_versions.txt.
suppressMessages(library(clubSandwich))
options(digits = 15, contrasts = c("contr.treatment", "contr.poly"))
data <- read.csv("values.csv")

rows <- list()
put <- function(dataset, region, model, term, kind, ...) { v <- list(...)
  for (field in names(v)) rows[[length(rows) + 1]] <<- data.frame(dataset, region, model, term, se_kind = kind, field,
                                                                  value = sprintf("%.12g", as.numeric(v[[field]]))) }
wide <- function(d) {
  w <- reshape(d, idvar = c("subject", "group", "age", "sex"), timevar = "session", direction = "wide",
               drop = c("dataset", "region"))
  names(w) <- sub("value[.]", "", names(w))
  w <- w[complete.cases(w[, c("pre", "post")]), ]
  w$group <- relevel(factor(w$group), ref = "B")
  w
}
welch <- function(fit, group, tested) {      # HC2 errors, degrees of freedom from a variance for each group
  X <- model.matrix(fit); e <- resid(fit); B <- solve(crossprod(X)); M <- diag(nrow(X)) - X %*% B %*% t(X); r <- diag(M)
  s2 <- tapply(e^2, group, sum) / tapply(r, group, sum)
  Q <- M %*% diag(s2[as.character(group)]) %*% M
  A <- diag(1 / sqrt(r)) %*% X %*% B[, tested, drop = FALSE]; q <- length(tested)
  E <- t(A) %*% diag(diag(Q)) %*% A; V <- t(A) %*% diag(e^2) %*% A; b <- coef(fit)[tested]
  eta <- q * (q + 1) / (2 * sum((Q * (A %*% solve(E) %*% t(A)))^2)); df <- eta - q + 1
  f <- drop(b %*% solve(V, b)) * df / (eta * q)
  list(estimate = b[[1]], se = sqrt(V[1, 1]), statistic = f, df_between = q, df = df, p = pf(f, q, df, lower.tail = FALSE))
}
models <- list(ancova = post ~ pre + group, ancova_age = post ~ pre + age + group, change = I(post - pre) ~ group)
for (dataset in c("balanced", "unbalanced", "covariates", "three", "dropouts")) for (region in c("amygdala", "VTA", "AI")) {
  w <- wide(data[data$dataset == dataset & data$region == region, ])
  for (model in names(models)) {
    fit <- lm(models[[model]], w)
    tested <- grep("^group", names(coef(fit)))
    for (kind in c("hc2_bm", "hc3_bm")) {
      v <- vcovCR(fit, cluster = seq_len(nrow(w)), type = c(hc2_bm = "CR2", hc3_bm = "CR3")[[kind]])
      t <- as.data.frame(coef_test(fit, vcov = v, test = "Satterthwaite"))
      for (k in tested) put(dataset, region, model, sub("group", "", names(coef(fit))[k]), kind, estimate = t$beta[k],
                            se = t$SE[k], statistic = t$tstat[k], df = t$df[k], p = t$p_Satt[k])
      if (length(tested) > 1 && kind == "hc2_bm") {
        f <- Wald_test(fit, constraints = constrain_zero(tested), vcov = v, test = "HTZ")
        put(dataset, region, model, "omnibus", kind, statistic = f$Fstat, df_between = f$df_num, df = f$df_denom, p = f$p_val)
      }
    }
    for (k in tested) {
      v <- welch(fit, w$group, k); name <- sub("group", "", names(coef(fit))[k])
      put(dataset, region, model, name, "hc2_welch", estimate = v$estimate, se = v$se,
          statistic = v$estimate / v$se, df = v$df, p = v$p)
      if (model == "change" && length(tested) == 1) {
        t <- t.test(I(post - pre) ~ group, w)
        stopifnot(isTRUE(all.equal(c(v$se, v$df, v$p), c(t$stderr, t$parameter[[1]], t$p.value))))
      }
    }
    if (length(tested) > 1) {
      v <- welch(fit, w$group, tested)
      put(dataset, region, model, "omnibus", "hc2_welch", statistic = v$statistic, df_between = v$df_between, df = v$df,
          p = v$p)
    }
  }
}
write.csv(do.call(rbind, rows), "small_samples.csv", row.names = FALSE, quote = FALSE)
writeLines(c(R.version.string, paste("clubSandwich", packageVersion("clubSandwich"))), "small_samples_versions.txt")
