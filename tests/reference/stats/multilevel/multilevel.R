# Reference for deltaroi.stats.multilevel by Stan (rstan). Run in this folder: Rscript multilevel.R
suppressPackageStartupMessages(library(rstan))
options(digits = 12, mc.cores = 2)
d <- read.csv("values.csv", colClasses = c(subject = "character"))
d$roi <- paste0(d$region, d$hemisphere)
rois <- sort(unique(d$roi)); people <- sort(unique(d$subject)); n <- length(people); R <- length(rois)
cell <- function(s) { m <- matrix(NA_real_, n, R, dimnames = list(people, rois))
  k <- d[d$session == s, ]; m[cbind(k$subject, k$roi)] <- k$value; m }
pre <- cell("pre"); post <- cell("post")
group <- tapply(d$group, d$subject, function(g) g[1])[people]
there <- !is.na(pre) & !is.na(post)
tested <- as.numeric(group == "A")
y <- matrix(0, n, R); own <- array(0, c(R, n, 2)); s <- numeric(R)
for (r in 1:R) {
  at <- there[, r]
  own[r, at, 1] <- 1
  own[r, at, 2] <- (pre[at, r] - mean(pre[at, r])) / sqrt(mean((pre[at, r] - mean(pre[at, r]))^2))
  y[at, r] <- post[at, r] - mean(post[at, r])
  s[r] <- summary(lm(post[at, r] ~ pre[at, r] + tested[at]))$sigma
}
unit <- median(s)
same <- outer(substr(rois, 1, 1), substr(rois, 1, 1), "==") * 1
data <- list(n = n, R = R, p = 2, y = y / unit, there = there * 1L, own = own, tested = tested,
             group = ifelse(group == "A", 1L, 2L), same = same, scale = s / unit)
model <- stan_model("multilevel.stan", boost_lib = "/usr/include")  # where Debian keeps it
fit <- sampling(model, data = data, seed = 1, chains = 4, iter = 11000, warmup = 1000, refresh = 0,
                control = list(adapt_delta = 0.95))
# log densities of points, over the real line
set.seed(1)
points <- NULL
for (k in 1:6) {
  at <- list(own_c = matrix(rnorm(2 * R, 0, 0.3), R, 2), mu = rnorm(1, 0, 0.5), apart = rnorm(R), tau = exp(rnorm(1, -1, 0.5)),
             sigma = matrix(exp(rnorm(2 * R, 0, 0.3)), 2, R), shared = exp(rnorm(1, -1, 0.4)), regional = exp(rnorm(1, -1, 0.4)))
  values <- c(t(at$own_c), at$mu, at$apart, log(at$tau), c(t(log(at$sigma))), log(at$shared), log(at$regional),
              log_prob(fit, unconstrain_pars(fit, at), adjust_transform = TRUE))
  points <- rbind(points, values)
}
write.table(format(points, digits = 12, trim = TRUE), "points.csv", sep = ",", row.names = FALSE, col.names = FALSE, quote = FALSE)
draws <- as.matrix(fit, pars = c("effect", "mu", "tau", "shared", "regional"))
draws <- cbind(draws[, 1:(R + 1)] * unit, draws[, -(1:(R + 1))])
colnames(draws) <- c(rois, "mean", "tau", "shared", "regional")
out <- data.frame(name = colnames(draws), mean = colMeans(draws), sd = apply(draws, 2, sd),
                  low = apply(draws, 2, quantile, 0.025), high = apply(draws, 2, quantile, 0.975),
                  positive = colMeans(draws > 0))
write.csv(format(out, digits = 6, trim = TRUE), "posterior.csv", row.names = FALSE, quote = FALSE)
check <- summary(fit)$summary
writeLines(c(R.version.string, paste("rstan", packageVersion("rstan")), paste("Stan", stan_version()),
             sprintf("largest R-hat %.4f, smallest n_eff %.0f, divergent %d", max(check[, "Rhat"]), min(check[, "n_eff"]),
                     get_num_divergent(fit))), "versions.txt")
