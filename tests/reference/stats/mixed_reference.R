# Reference values for the linear mixed models, from R's lmerTest.
#
#   Rscript mixed_reference.R BIDS_DIR     (in this folder; R 4.2.2, Debian 12 packages; versions in mixed_versions.txt)
#
# BIDS_DIR holds the events and participants.tsv of OpenNeuro ds003823 (picture ratings as in ratings_ds003823.R, people with
# one session kept). Writes mixed_values.csv (simulated data sets, fixed seed), mixed_tests.csv (a line per tested contrast),
# mixed_fits.csv (a line per model) and mixed_versions.txt.
#
# The optimiser's tolerances are tightened, so that R's own error is below the digits that are compared. se_default and
# df_default are what lmerTest gives with its own settings.
suppressMessages(library(lmerTest))
RNGkind("Mersenne-Twister", "Inversion", "Rejection")
set.seed(20260401)
options(digits = 15, contrasts = c("contr.treatment", "contr.poly"))
bids <- commandArgs(trailingOnly = TRUE)[1]

# ---- data: groups in the order of the study, the last is the reference ------------------------------------------------
people <- function(dataset, n, times, sd = rep(0.5, length(n)), between = 0.6, slope = 0, gain = 0.2, lost = 0, signs = 0) {
  out <- list(); k <- 0
  for (g in seq_along(n)) for (i in seq_len(n[g])) {
    k <- k + 1; age <- round(rnorm(1, 30, 6)); sex <- rbinom(1, 1, 0.5)
    u <- rnorm(1, 0, between); v <- rnorm(1, 0, slope) + signs * u
    value <- 0.3 + u + v * times + gain * (length(n) - g) * times + 0.02 * (age - 30) - 0.3 * sex + rnorm(length(times), 0, sd[g])
    keep <- runif(length(times)) >= lost; if (!any(keep)) keep[1] <- TRUE
    out[[k]] <- data.frame(dataset, subject = k, group = LETTERS[g], age, sex, session = seq_along(times), time = times,
                           value = round(value, 6))[keep, ]
  }
  do.call(rbind, out)
}
negative <- function(d) { # values of one subject that correlate below zero
  for (k in unique(d$subject)) { at <- d$subject == k; d$value[at] <- round(d$value[at] - 0.95 * mean(d$value[at]), 6) }
  d
}
data <- rbind(
  people("balanced", c(12, 12), 0:1),
  people("unbalanced", c(8, 20), 0:1, sd = c(1, 0.5)),
  people("dropouts2", c(14, 14), 0:1, lost = 0.2),
  people("dropouts3", c(15, 13), 0:2, lost = 0.25),
  people("covariates", c(15, 14), 0:2, lost = 0.1),
  people("threegroups", c(9, 10, 11), 0:1, sd = c(0.5, 0.8, 0.4), lost = 0.1),
  people("threebythree", c(9, 8, 12), 0:2, lost = 0.15),
  people("foursessions", c(10, 12), c(0, 1, 3, 6), gain = 0.05, lost = 0.15),
  people("onegroup", c(14), 0:2, lost = 0.1),
  people("randomslope", c(14, 14), 0:4, slope = 0.4, lost = 0.15),
  people("threeslopes", c(12, 12), 0:2, slope = 0.5),
  people("nearsingular", c(11, 12), 0:2, between = 0.08, lost = 0.1),
  people("highcorrelation", c(10, 11), 0:2, sd = c(0.02, 0.02), between = 2, lost = 0.1),
  negative(people("singular", c(10, 11), 0:2, between = 0)),
  people("singularslope", c(10, 12), 0:3, between = 0.5, signs = 0.6))
write.csv(data, "mixed_values.csv", row.names = FALSE, quote = FALSE)

files <- Sys.glob(file.path(bids, "sub-*", "ses-*", "func", "*_task-emotionRegulation_events.tsv"))
who <- read.delim(file.path(bids, "participants.tsv"), na.strings = "n/a", quote = "", check.names = FALSE)
ratings <- do.call(rbind, lapply(files, function(f) {
  e <- read.delim(f, na.strings = "n/a", quote = ""); part <- strsplit(basename(f), "_")[[1]]
  data.frame(dataset = "ratings", subject = part[1], session = match(sub("ses-", "", part[2]), c("pre", "post")),
             value = mean(e$rating[e$trial_type == "vn"], na.rm = TRUE) - mean(e$rating[e$trial_type == "vt"], na.rm = TRUE))
}))
at <- match(ratings$subject, who$participant_id)
ratings$group <- c(increase_HRV = "A", decrease_HRV = "B")[who$condition[at]]
ratings$age <- as.numeric(who$age_group[at] == "YA"); ratings$sex <- 0; ratings$time <- ratings$session - 1
ratings <- ratings[!is.na(ratings$value) & !is.na(ratings$group), names(data)]

# ---- models -----------------------------------------------------------------------------------------------------------
g15 <- function(x) sprintf("%.15g", as.numeric(x))
tests <- list(); fits <- list()
tight <- lmerControl(optimizer = "nloptwrap", optCtrl = list(xtol_abs = 1e-13, xtol_rel = 1e-13, ftol_abs = 1e-15,
                     ftol_rel = 1e-15, maxeval = 1e5), check.conv.singular = "ignore", check.conv.grad = "ignore",
                     check.conv.hess = "ignore")
own <- lmerControl(check.conv.singular = "ignore")
analyse <- function(d, model, extra = NULL, slope = FALSE) {
  groups <- sort(unique(d$group)); k <- length(groups); s <- max(d$session); times <- sapply(seq_len(s), function(j) d$time[d$session == j][1])
  d$subject <- factor(d$subject); d$when <- factor(d$session)
  d$group <- if (k > 1) relevel(factor(d$group), ref = groups[k]) else factor(d$group)
  grid <- expand.grid(group = groups, session = seq_len(s)); grid$when <- factor(grid$session); grid$group <- factor(grid$group, levels(d$group))
  columns <- function(x) {
    if (k == 1) return(model.matrix(~ when, x))
    if (model != "constrained") return(model.matrix(~ group * when, x))
    m <- model.matrix(~ when, x)
    for (g in groups[-k]) for (j in seq_len(s)[-1]) m <- cbind(m, as.numeric(x$group == g & x$session == j))
    m
  }
  X <- columns(d); covs <- as.matrix(d[, extra, drop = FALSE])
  d$X <- cbind(X, covs)
  formula <- if (slope) value ~ 0 + X + (1 + time | subject) else value ~ 0 + X + (1 | subject)
  fit <- lmer(formula, d, control = tight); usual <- suppressMessages(lmer(formula, d, control = own))
  cells <- cbind(columns(grid), matrix(0, nrow(grid), length(extra)))
  change <- function(g, over) Reduce(`+`, lapply(seq_len(s), function(j) over[j] * cells[grid$group == g & grid$session == j, ]))
  unit <- function(j) as.numeric(seq_len(s) == j)
  dataset <- d$dataset[1]
  put <- function(kind, who, sessions, L) {
    L <- if (is.matrix(L)) L else matrix(L, 1)
    joint <- nrow(L) > 1
    a <- if (joint) contestMD(fit, L) else contest1D(fit, drop(L)); b <- if (joint) contestMD(usual, L) else contest1D(usual, drop(L))
    row <- data.frame(dataset, model, kind, groups = who, sessions, estimate = "", se = "", df_between = "1", df = "", statistic = "",
                      p = "", se_default = "", df_default = "")
    if (joint) { row$df_between <- g15(a$NumDF); row$df <- g15(a$DenDF); row$statistic <- g15(a$`F value`); row$p <- g15(a$`Pr(>F)`)
      row$df_default <- g15(b$DenDF) }
    else { row$estimate <- g15(a$Estimate); row$se <- g15(a$`Std. Error`); row$df <- g15(a$df); row$statistic <- g15(a$`t value`)
      row$p <- g15(a$`Pr(>|t|)`); row$se_default <- g15(b$`Std. Error`); row$df_default <- g15(b$df) }
    tests[[length(tests) + 1]] <<- row
  }
  rows <- function(members, over) {
    if (length(members) == 1) return(matrix(change(members, over), 1))
    do.call(rbind, lapply(members[-length(members)], function(g) change(g, over) - change(members[length(members)], over)))
  }
  sets <- c(if (k > 2) list(groups), lapply(groups[-k], function(g) c(g, groups[k])), as.list(groups))
  for (members in sets) {
    name <- paste(members, collapse = "-")
    if (s > 2) put("any", name, "", do.call(rbind, lapply(2:s, function(j) rows(members, unit(j) - unit(1)))))
    for (j in 2:s) put("first", name, paste0(j, "-1"), rows(members, unit(j) - unit(1)))
    if (s > 2) {
      for (j in 3:s) put("adjacent", name, paste0(j, "-", j - 1), rows(members, unit(j) - unit(j - 1)))
      t <- times - mean(times); put("trend", name, "", rows(members, t / sum(t^2)))
    }
  }
  v <- as.matrix(VarCorr(fit)$subject)
  fits[[length(fits) + 1]] <<- data.frame(dataset, model, covariates = paste(extra, collapse = "+"), slope = as.integer(slope),
    n_subjects = nlevels(droplevels(d$subject)), n_values = nrow(d), sigma2 = g15(sigma(fit)^2), v11 = g15(v[1, 1]),
    v12 = if (slope) g15(v[1, 2]) else "", v22 = if (slope) g15(v[2, 2]) else "", deviance = g15(REMLcrit(fit)),
    singular = as.integer(isSingular(fit)))
}
slopes <- c("randomslope", "threeslopes", "singularslope")
for (name in unique(data$dataset)) {
  d <- data[data$dataset == name, ]; extra <- if (name %in% c("covariates", "threebythree")) c("age", "sex")
  analyse(d, "interaction", extra, name %in% slopes)
  if (length(unique(d$group)) > 1) analyse(d, "constrained", extra, name %in% slopes)
}
analyse(ratings, "interaction"); analyse(ratings, "constrained")
ratings$dataset <- "ratings_age"
analyse(ratings, "interaction", "age"); analyse(ratings, "constrained", "age")

write.csv(do.call(rbind, tests), "mixed_tests.csv", row.names = FALSE, quote = FALSE)
write.csv(do.call(rbind, fits), "mixed_fits.csv", row.names = FALSE, quote = FALSE)
writeLines(c(R.version.string, sapply(c("lme4", "lmerTest"), function(p) paste(p, packageVersion(p)))), "mixed_versions.txt")
