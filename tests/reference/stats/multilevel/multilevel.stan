// The model of deltaroi.stats.multilevel, written anew: dense covariances, parameters on their own scales.
data {
  int n; int R; int p;
  matrix[n, R] y;               // over the unit; anything where missing
  int there[n, R];
  matrix[n, p] own[R];
  vector[n] tested;
  int group[n];           // 1, 2
  matrix[R, R] same;            // 1 where two ROIs are of one region with several
  vector[R] scale;
}
parameters {
  matrix[R, p] own_c;
  real mu;
  vector[R] apart;
  real<lower=0> tau;
  matrix<lower=0>[2, R] sigma;  // over scale
  real<lower=0> shared;
  real<lower=0> regional;
}
transformed parameters {
  vector[R] effect = mu + tau * apart;
}
model {
  to_vector(own_c) ~ normal(0, 5);
  mu ~ normal(0, 2);
  apart ~ std_normal();
  tau ~ normal(0, 0.5);
  to_vector(sigma) ~ lognormal(0, 1);
  shared ~ std_normal();
  regional ~ std_normal();
  for (i in 1:n) {
    int at[sum(there[i])];
    int m = 0;
    vector[R] fitted;
    matrix[R, R] V = square(shared) + square(regional) * same;
    for (r in 1:R) {
      fitted[r] = scale[r] * dot_product(own[r][i], own_c[r]) + tested[i] * effect[r];
      V[r, r] += square(sigma[group[i], r] * scale[r]);
      if (there[i, r]) { m += 1; at[m] = r; }
    }
    y[i, at]' ~ multi_normal(fitted[at], V[at, at]);
  }
}
