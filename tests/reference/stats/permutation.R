# Reference values for the max-T permutation tests, from R's coin.
#
#   Rscript permutation.R        (in this folder; R 4.2.2, Debian 12 packages; versions in permutation_versions.txt)
#
# Writes permutation_values.csv (simulated, fixed seed), permutation.csv and permutation_versions.txt. With n subjects in every
# ROI, t rises with coin's standardised statistic, so both order the arrangements alike. exact: each ROI alone, all
# arrangements. single and down: over the ROIs, by a million random arrangements. strata: each ROI alone, within sites.
suppressMessages(library(coin))
RNGkind("Mersenne-Twister", "Inversion", "Rejection"); set.seed(20260501); options(digits = 15)
n <- c(A = 5, B = 6); rois <- c("AI", "VTA", "amygdala", "pACC")
group <- rep(names(n), n); site <- c("x", "x", "y", "y", "y", "x", "x", "x", "y", "y", "y")
common <- rnorm(11)
pre <- sapply(rois, function(r) round(rnorm(11), 4))
post <- sapply(seq_along(rois), function(k) round(0.5 * pre[, k] + common + rnorm(11) + c(1.6, 0.9, 0.2, 0)[k] * (group == "A"), 4))
colnames(post) <- rois
long <- do.call(rbind, lapply(rois, function(r) rbind(
  data.frame(subject = sprintf("%02d", 1:11), group, site, region = r, session = "pre", value = pre[, r]),
  data.frame(subject = sprintf("%02d", 1:11), group, site, region = r, session = "post", value = post[, r]))))
write.csv(long, "permutation_values.csv", row.names = FALSE, quote = FALSE)
d <- data.frame(group = factor(group), site = factor(site), post - pre)
rows <- list()
put <- function(region, what, p) rows[[length(rows) + 1]] <<- data.frame(region, what, p = sprintf("%.10g", p))
for (r in rois) put(r, "exact", pvalue(oneway_test(as.formula(paste(r, "~ group")), d, distribution = "exact"))[1])
left <- paste(rois, collapse = " + ")
test <- independence_test(as.formula(paste(left, "~ group")), d, teststat = "maximum", distribution = approximate(nresample = 1000000))
single <- pvalue(test, method = "single-step"); down <- pvalue(test, method = "step-down")
for (k in seq_along(rois)) { put(rois[k], "single", single[k]); put(rois[k], "down", down[k]) }
for (r in rois) put(r, "strata", pvalue(oneway_test(as.formula(paste(r, "~ group | site")), d,
                                                    distribution = approximate(nresample = 1000000)))[1])
write.csv(do.call(rbind, rows), "permutation.csv", row.names = FALSE)
writeLines(c(R.version.string, paste("coin", packageVersion("coin"))), "permutation_versions.txt")
