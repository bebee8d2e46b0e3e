# Reference values for real pre/post data of two groups, from R.
#
#   Rscript ratings_ds003823.R BIDS_DIR        (in this folder; R 4.2.2, Debian 12 packages)
#
# BIDS_DIR holds the events and participants.tsv of OpenNeuro ds003823. Per subject and session: mean rating of the viewed
# negative pictures (vn) minus that of the viewed neutral ones (vt). Writes ratings_ds003823.csv and
# ratings_ds003823_versions.txt.
suppressMessages({ library(afex); library(sandwich); library(effectsize); library(BayesFactor) })
options(digits = 15, contrasts = c("contr.treatment", "contr.poly"))
bids <- commandArgs(trailingOnly = TRUE)[1]

people <- read.delim(file.path(bids, "participants.tsv"), na.strings = "n/a", quote = "", check.names = FALSE)
files <- Sys.glob(file.path(bids, "sub-*", "ses-*", "func", "*_task-emotionRegulation_events.tsv"))
long <- do.call(rbind, lapply(files, function(f) {
  e <- read.delim(f, na.strings = "n/a", quote = "")
  part <- strsplit(basename(f), "_")[[1]]
  data.frame(subject = part[1], session = sub("ses-", "", part[2]),
             value = mean(e$rating[e$trial_type == "vn"], na.rm = TRUE) - mean(e$rating[e$trial_type == "vt"], na.rm = TRUE))
}))
long$group <- people$condition[match(long$subject, people$participant_id)]
long <- long[!is.na(long$value) & !is.na(long$group), ]
w <- merge(long[long$session == "pre", c("subject", "group", "value")], long[long$session == "post", c("subject", "value")],
           by = "subject", suffixes = c("_pre", "_post"))
names(w) <- c("subject", "group", "pre", "post")
w$change <- w$post - w$pre
w$group <- relevel(factor(w$group), ref = "decrease_HRV")
a <- w$group == "increase_HRV"; first <- long[long$session == "pre", ]

rows <- list()
put <- function(model, term, comparison, kind, ...) { v <- list(...)
  for (field in names(v)) rows[[length(rows) + 1]] <<- data.frame(model, term, comparison, se_kind = kind, field,
                                                                  value = sprintf("%.12g", as.numeric(v[[field]]))) }
pooled <- function(x, y) sqrt(((length(x) - 1) * var(x) + (length(y) - 1) * var(y)) / (length(x) + length(y) - 2))
j <- function(m) sqrt(2 / m) * exp(lgamma(m / 2) - lgamma((m - 1) / 2))
bound <- 0.3 * pooled(w$pre[a], w$pre[!a])
tost <- function(b, se, df, d = bound) max(pt((b + d) / se, df, lower.tail = FALSE), pt((b - d) / se, df))
linear <- function(model, fit, kind, ...) {
  v <- if (kind == "hc3") vcovHC(fit, type = "HC3") else vcov(fit)
  b <- coef(fit)[["groupincrease_HRV"]]; se <- sqrt(v["groupincrease_HRV", "groupincrease_HRV"]); df <- df.residual(fit)
  put(model, "group_difference", "increase_HRV-decrease_HRV|post-pre", kind, n = nrow(w), n_first = sum(a), estimate = b,
      se = se, df = df, statistic = b / se, p = 2 * pt(-abs(b / se), df), ci_low = b - qt(.975, df) * se,
      ci_high = b + qt(.975, df) * se, equivalence_bound = bound, p_equivalence = tost(b, se, df), ...)
}
ttest <- function(model, term, comparison, kind, t, ...) {
  b <- if (length(t$estimate) == 2) t$estimate[[1]] - t$estimate[[2]] else t$estimate[[1]]
  put(model, term, comparison, kind, estimate = b, se = t$stderr, df = t$parameter[[1]], statistic = t$statistic[[1]],
      p = t$p.value, ci_low = t$conf.int[1], ci_high = t$conf.int[2], ...)
}
bf <- function(...) extractBF(ttestBF(..., rscale = sqrt(2) / 2))$bf
ancova <- lm(post ~ pre + group, w)
left <- sapply(seq_len(nrow(w)), function(i) coef(lm(post ~ pre + group, w[-i, ]))[["groupincrease_HRV"]])

# Morris (2008), eq. 8-10 and 25, with the pre-post correlation pooled within groups
n1 <- sum(a); n2 <- sum(!a); m <- n1 + n2 - 2; cp <- j(m)
d <- cp * (mean(w$change[a]) - mean(w$change[!a])) / pooled(w$pre[a], w$pre[!a])
r <- resid(lm(pre ~ group, w)); s <- resid(lm(post ~ group, w)); rho <- sum(r * s) / sqrt(sum(r^2) * sum(s^2))
v <- 2 * cp^2 * (1 - rho) * ((n1 + n2) / (n1 * n2)) * (m / (m - 2)) *
  (1 + d^2 / (2 * (1 - rho) * (n1 + n2) / (n1 * n2))) - d^2
for (kind in c("hc3", "classical")) linear("ancova", ancova, kind, loo_min = min(left), loo_max = max(left), effect_size = d,
                                           es_ci_low = d - qnorm(.975) * sqrt(v), es_ci_high = d + qnorm(.975) * sqrt(v))
factor_change <- bf(w$change[a], w$change[!a])
when <- "increase_HRV-decrease_HRV|post-pre"
t <- t.test(w$change[a], w$change[!a])
ttest("change", "group_difference", when, "welch", t, bf10 = factor_change, effect_size = d,
      p_equivalence = tost(t$estimate[[1]] - t$estimate[[2]], t$stderr, t$parameter[[1]]))
ttest("change", "group_difference", when, "classical", t.test(w$change[a], w$change[!a], var.equal = TRUE),
      bf10 = factor_change)

both <- reshape(w[, c("subject", "group", "pre", "post")], direction = "long", varying = c("pre", "post"), v.names = "value",
                timevar = "session", times = c("pre", "post"), idvar = "subject")
i <- suppressMessages(aov_ez("subject", "value", both, between = "group", within = "session", type = 3))$anova_table["group:session", ]
put("mixed_anova", "group_x_session", when, "classical", statistic = i$F, df = i$`den Df`, p = i$`Pr(>F)`,
    effect_size = F_to_eta2(i$F, i$`num Df`, i$`den Df`)$Eta2_partial)
for (g in c("increase_HRV", "decrease_HRV")) {
  k <- w[w$group == g, ]; n <- nrow(k); s2 <- (var(k$pre) + var(k$post)) / 2
  av <- mean(k$change) / sqrt(s2)
  half <- qnorm(.975) * sqrt(av^2 * (var(k$pre)^2 + var(k$post)^2 + 2 * cov(k$pre, k$post)^2) / (8 * s2^2 * (n - 1)) +
                               var(k$change) / (s2 * (n - 1)))          # Bonett (2008)
  t <- t.test(k$post, k$pre, paired = TRUE)
  ttest("paired", paste0("session_within:", g), paste0(g, "|post-pre"), "classical", t, n = n, effect_size = j(n - 1) * av,
        es_ci_low = av - half, es_ci_high = av + half, bf10 = bf(k$post, k$pre, paired = TRUE),
        p_equivalence = tost(mean(k$change), t$stderr, n - 1, 0.3 * sd(k$pre)))
}
x <- first$value[first$group == "increase_HRV"]; y <- first$value[first$group == "decrease_HRV"]
g <- hedges_g(x, y, pooled_sd = TRUE)$Hedges_g
when <- "increase_HRV-decrease_HRV|pre"
ttest("two_sample", "group_at_baseline", when, "welch", t.test(x, y), n_first = length(x), n_second = length(y), effect_size = g)
ttest("two_sample", "group_at_baseline", when, "classical", t.test(x, y, var.equal = TRUE), bf10 = bf(x, y))

write.csv(do.call(rbind, rows), "ratings_ds003823.csv", row.names = FALSE, quote = FALSE)
writeLines(c(R.version.string, sapply(c("afex", "sandwich", "effectsize", "BayesFactor"),
           function(p) paste(p, packageVersion(p)))), "ratings_ds003823_versions.txt")
